"""From a decoded frame to a picture: modality LUT, VOI LUT, palette, polarity."""
