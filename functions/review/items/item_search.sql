-- Queries of the pages of an item or image.

-- name: picture
select bucket, key from image_allocation where sop_instance_uid = %(uid)s and frame = %(frame)s;
