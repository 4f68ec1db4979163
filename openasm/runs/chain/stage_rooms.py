"""Parts of the program that the stages run, by kind of stage: their text enters the stages' keys. Tests hold them to the imports."""

from __future__ import annotations

_WORK = ("base", "runs/chain/stage_work.py")
CLAIMS_ROOMS = (*_WORK, "archive", "tables", "claims")
ADMISSION_ROOMS = (*CLAIMS_ROOMS, "quality", "runs/measures")
EPISODE_ROOMS = (*CLAIMS_ROOMS, "episodes", "regulation", "runs/cost")
QUALITY_ROOMS = (
    *(*_WORK, "tables", "archive", "clinical", "participants", "quality", "regulation"),
    *("runs/measures", "runs/scoring"),
)
SCORE_ROOMS = (*_WORK, "archive", "regulation", "runs/scoring")
