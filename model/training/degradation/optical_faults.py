"""Faults of focus, motion, noise and exposure, applied to 8-bit pictures.

Every function takes a uint8 picture of shape (rows, columns) or (rows, columns, 3) and a random
generator that chooses the strength of the fault. It returns a new picture of the same shape and dtype.
Lengths are relative to the shorter side, so that a fault looks the same at any size.
"""

import numpy as np
from numpy.random import Generator
from scipy.ndimage import uniform_filter1d

from model.features.picture_views import Picture
from model.training.degradation.picture_arithmetic import (
    foreground,
    noise,
    shifted,
    short_side,
    to_picture,
    with_channel_axis,
)


def defocus(picture: Picture, rng: Generator) -> Picture:
    """Blur by about 1 to 2.5 % of the side."""
    width = 1 + 2 * round(max(1.5, rng.uniform(0.012, 0.03) * short_side(picture)))
    values = picture.astype(np.float32)
    for _ in range(2):  # two box filters are close to a Gaussian and cost the same at any width
        for axis in (0, 1):
            values = uniform_filter1d(values, width, axis=axis, mode="nearest")
    return to_picture(values)


def motion(picture: Picture, rng: Generator) -> Picture:
    """Blur along a line of 2.5 to 10 % of the side in a random direction."""
    length = max(6.0, np.exp(rng.uniform(np.log(0.025), np.log(0.10))) * short_side(picture))
    angle = rng.uniform(0, np.pi)
    total = np.zeros(picture.shape, np.float32)
    offsets = np.linspace(-length / 2, length / 2, max(13, round(length)))
    for offset in offsets:
        total += shifted(picture, round(offset * np.sin(angle)), round(offset * np.cos(angle)))
    return to_picture(total / offsets.size)


def movement(picture: Picture, rng: Generator) -> Picture:
    """Replace 25 to 45 % of the lines of the Fourier space by those of shifted positions.

    A magnetic resonance scanner measures line by line; a patient who moves meanwhile leaves copies along
    one axis.
    """
    axis = int(rng.integers(0, 2))
    length = picture.shape[axis]
    spectrum = np.fft.fft(picture.astype(np.float32), axis=axis)
    frequency = np.fft.fftfreq(length)
    reach = rng.uniform(0.02, 0.06) * length
    moves = np.repeat(rng.uniform(-reach, reach, -(-length // 4)), 4)[:length]
    moves[rng.random(length) > rng.uniform(0.25, 0.45)] = 0
    moves = np.fft.fftshift(moves)
    moves[np.abs(frequency) < 0.01] = 0
    phase = np.exp(-2j * np.pi * frequency * moves)
    shape = [1] * picture.ndim
    shape[axis] = length
    return to_picture(np.abs(np.fft.ifft(spectrum * phase.reshape(shape), axis=axis)))


def veil(picture: Picture, rng: Generator) -> Picture:
    """Lay 35 to 75 % of an even or slowly changing brightness over the picture, as scattered light does."""
    rows, columns = picture.shape[:2]
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    slope = rng.uniform(0, 0.25)
    angle = rng.uniform(0, 2 * np.pi)
    share = np.clip(rng.uniform(0.35, 0.75) + slope * (np.cos(angle) * x + np.sin(angle) * y), 0.25, 0.9)
    share = with_channel_axis(share, picture)
    return to_picture(picture * (1 - share) + rng.uniform(110, 255) * share)


def high_window(picture: Picture, rng: Generator) -> Picture:
    """Show only the brightest 1 to 8 % of the content, on black."""
    inside = foreground(picture)
    low = float(np.percentile(inside, rng.uniform(92, 99)))
    high = max(float(np.percentile(inside, 99.9)), low + 4)
    return to_picture((picture - low) * (255 / (high - low)))


def gaussian_noise(picture: Picture, rng: Generator) -> Picture:
    """Add normal noise of 25 to 70 grey levels."""
    return to_picture(picture + noise(picture, rng) * rng.uniform(25, 70))


def poisson_noise(picture: Picture, rng: Generator) -> Picture:
    """Add counting noise as if white were 2 to 12 quanta."""
    quanta = rng.uniform(2, 12)
    background = rng.uniform(0.02, 0.15)
    return to_picture(rng.poisson((picture / 255 + background) * quanta) * (255 / quanta))


def speckle_noise(picture: Picture, rng: Generator) -> Picture:
    """Add noise of 50 to 100 % of each pixel's value."""
    return to_picture(picture * (1 + noise(picture, rng) * rng.uniform(0.5, 1.0)))


def impulse_noise(picture: Picture, rng: Generator) -> Picture:
    """Make 4 to 25 % of the pixels black or white."""
    draw = rng.random(picture.shape[:2])
    share = rng.uniform(0.04, 0.25)
    result = picture.copy()
    result[draw < share / 2] = 0
    result[draw > 1 - share / 2] = 255
    return result


def under_exposure(picture: Picture, rng: Generator) -> Picture:
    """Darken until the bright parts reach only 10 to 28 grey levels."""
    bright = max(float(np.percentile(picture, 99)), 1.0)
    return to_picture(picture * (rng.uniform(10, 28) / bright))


def over_exposure(picture: Picture, rng: Generator) -> Picture:
    """Brighten until most of the content is white."""
    if rng.random() < 0.5:
        return to_picture(picture + rng.uniform(190, 235))
    dim = max(float(np.percentile(foreground(picture), 25)), 4.0)
    return to_picture(picture * (255 / dim))


def low_contrast(picture: Picture, rng: Generator) -> Picture:
    """Compress all values into 8 to 24 grey levels in the middle of the range."""
    return to_picture(rng.uniform(40, 200) + picture * (rng.uniform(8, 24) / 255))


def wrong_window(picture: Picture, rng: Generator) -> Picture:
    """Apply a window of a few grey levels, so that nearly everything is black or white."""
    center = float(np.percentile(foreground(picture), rng.uniform(20, 85)))
    width = rng.uniform(2, 12)
    return to_picture((picture - center) / width * 255 + 128)


def shading(picture: Picture, rng: Generator) -> Picture:
    """Make one side bright and more than half of the picture nearly black."""
    rows, columns = picture.shape[:2]
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    slope = np.cos(angle) * x + np.sin(angle) * y
    gain = 1 / (1 + np.exp(rng.uniform(6, 12) * (slope + rng.uniform(0.0, 0.4))))
    return to_picture(
        (picture + rng.uniform(0, 40)) * with_channel_axis(gain, picture) * rng.uniform(1.0, 1.8)
    )
