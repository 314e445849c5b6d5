"""Draws the frames of a file and searches them for text, before anything of it leaves."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from common.errors import TextFound
from deidentification.identity import Identity
from deidentification.pixels.burned_in_gate import BurnedInDecision, completed, with_found_text_blanked
from deidentification.pixels.text_search.search import ENOUGH, SearchResult, TextSearch
from deidentification.pixels.text_search.searched_views import searched_views
from functions.extract.output_space import OutputSpace
from functions.extract.png_frames import draw_frames
from functions.extract.prepared_instance import PngFrame
from imaging.frames.image_file import ImageFile
from imaging.options import PictureRules


@dataclass(frozen=True)
class SearchedFrames:
    """The drawn frames of a file, and the gate's decision after the search."""

    image_file: ImageFile  # with its blanking
    frames: list[PngFrame]
    decision: BurnedInDecision
    found: TextFound


def draw_and_search(
    image_file: ImageFile,
    decision: BurnedInDecision,
    identity: Identity,
    space: OutputSpace,
    *,
    rules: PictureRules,
    heartbeat: Callable[[], None],
) -> SearchedFrames:
    """Draw every frame and search it for text, as it would leave.

    Where the profile allows it, the patient's own words are blanked; then all frames are drawn and
    searched again. `on_frame` of the file is given each frame once. Raises PermanentError if a frame
    can't be decoded or drawn.
    """

    def draw(blanked: ImageFile) -> tuple[list[PngFrame], SearchResult]:
        # Of a file that is held in any case, it is enough to know whether there is text.
        search = TextSearch(identity, decision.scope, enough=1 if decision.cause else ENOUGH)

        def look(number: int, picture: NDArray[Any], frame: NDArray[Any]) -> None:
            search.look(number, searched_views(picture, frame, blanked.ds))

        frames = draw_frames(blanked, space, rules=rules, heartbeat=heartbeat, look=look)
        return frames, search.result

    blanked = replace(image_file, blanking=decision.blanking)
    frames, result = draw(blanked)
    blanked = replace(blanked, on_frame=None)
    if result.identity_boxes and decision.may_be_blanked and decision.cause is None:
        decision = with_found_text_blanked(decision, result.identity_boxes)
        blanked = replace(blanked, blanking=decision.blanking)
        space.clear()
        frames, result = draw(blanked)
    found = TextFound(result.finding, result.boxes)
    return SearchedFrames(blanked, frames, completed(decision, result), found)
