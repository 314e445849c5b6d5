"""Code streams of single frames, written anew so that nothing but the picture is in them."""
