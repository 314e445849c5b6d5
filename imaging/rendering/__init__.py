"""From a decoded frame to a picture: modality LUT, VOI LUT, polarity, palette."""
