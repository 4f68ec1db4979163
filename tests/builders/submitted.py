"""The files of a made-up submission, in memory."""

from __future__ import annotations

import tempfile
from pathlib import Path

from openasm.archive.run import read_run
from openasm.base.problems import Problems
from openasm.regulation.rulebook import rules_for
from openasm.submission.content import Submission
from openasm.submission.formats import formats_for
from openasm.submission.gathering import FILE_KINDS, Wanted, gather
from openasm.submission.inputs import SubmissionInputs, read_submission_inputs
from openasm.submission.package import submission_files
from tests.builders.submissions import NOW, TIN, Made


def submission_of(
    made: Made, *, level: str = "auto", write: tuple[str, ...] = FILE_KINDS
) -> tuple[Submission, SubmissionInputs]:
    """What is gathered from a made-up practice; InputRefused as in the program."""
    with tempfile.TemporaryDirectory() as folder:
        run, own = made.write(Path(folder))
        problems = Problems()
        formats, rules = formats_for(2027), rules_for(2027)
        inputs = read_submission_inputs(own, formats=formats, problems=problems)
        submission = gather(
            read_run(run),
            inputs,
            formats=formats,
            rules=rules,
            wanted=Wanted(TIN, level=level, write=write),
            today=NOW.date(),
            problems=problems,
        )
        problems.refuse_errors()
        return submission, inputs


def files_of(made: Made, *, level: str = "auto", write: tuple[str, ...] = FILE_KINDS) -> dict[str, bytes]:
    """Name -> bytes of every file for CMS."""
    submission, inputs = submission_of(made, level=level, write=write)
    files = submission_files(
        submission, inputs=inputs, formats=formats_for(2027), rules=rules_for(2027), write=write, moment=NOW
    )
    return {each.name: each.content for each in files}
