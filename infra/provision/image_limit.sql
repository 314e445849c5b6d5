-- Query of the limit of images in a bucket.

-- name: newest
select capacity, capacity - allocated as room, (select count(*) from image_bucket) as buckets
from image_bucket order by created_at desc, bucket desc limit 1;
