"""How far the readers of images agree, for the commands and for the card of a training set."""
