"""What the documentation site has beyond docs/: the glossary and the other pages of the root, and the Python reference.

Read by mkdocs (`hooks:` in mkdocs.yml). Nothing is written into docs/.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
ROOT_PAGES = ("GLOSSARY.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
ROOMS = {
    "base": "Words every room uses",
    "regulation": "The rule as functions",
    "tables": "Engines and table contracts",
    "claims": "Medicare claims",
    "episodes": "Episodes and cost scores",
    "clinical": "Records",
    "quality": "Quality measures",
    "participants": "Who is in",
    "projection": "Projection",
    "submission": "Files for CMS",
    "archive": "Run folders",
    "runs": "Runs",
    "report": "Reports",
}


def public_modules(room: str) -> list[str]:
    """Modules of a room that define something public and say what they are for, by dotted name."""
    found = []
    for path in sorted((ROOT / "openasm" / room).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        public = any(
            isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_") for node in tree.body
        )
        if public and ast.get_docstring(tree) and not path.name.startswith("_"):
            found.append(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return found


def python_page(room: str) -> str:
    """The reference page of one room: each public module with its functions and classes."""
    blocks = [f"# `openasm.{room}`: {ROOMS[room]}", ""]
    for module in public_modules(room):
        blocks += [f"::: {module}", "    options:", "      heading_level: 2", ""]
    return "\n".join(blocks)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the root and one page a room."""
    for name in ROOT_PAGES:
        files.append(File.generated(config, name, content=(ROOT / name).read_text(encoding="utf-8")))
    for room in ROOMS:
        if public_modules(room):
            files.append(File.generated(config, f"reference/python/{room}.md", content=python_page(room)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Links that leave docs/ lead to the site's own copy; links to a folder lead to its first page."""
    depth = page.file.src_uri.count("/")
    outside = "../" * (depth + 1)
    for name in ROOT_PAGES:
        markdown = markdown.replace(f"]({outside}{name})", f"]({'../' * depth}{name})")
    if page.file.src_uri in ROOT_PAGES:
        markdown = re.sub(r"\]\(docs/", "](", markdown)
    markdown = markdown.replace("](reference/measures)", "](reference/measures/CMS165.md)")
    return markdown.replace("](decisions)", "](decisions/0001-foundations.md)")
