-- Queries of pictures.

-- name: location
select bucket, key from image_allocation where sop_instance_uid = %(uid)s and frame = %(frame)s;
