"""What persons see and decide: used by the commands of a shell and by the page."""
