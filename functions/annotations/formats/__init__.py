"""Label files of every form as label rows."""
