-- Query of the locations of images.

-- name: location
select bucket, key from image_allocation where sop_instance_uid = %(uid)s and frame = %(frame)s;
