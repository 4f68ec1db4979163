"""PDF pages whose parts say what they are: headings, paragraphs, tables, figures with a text in their place.

ReportLab draws; this canvas adds the structure tree (ISO 32000-1, 14.7 and 14.8) that screen readers and text extraction
follow. Everything drawn outside of `content` should be drawn inside `artifact`: page furniture that is not read aloud.

    document.build(story, canvasmaker=partial(TaggedCanvas, foot=draw_foot))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from reportlab.pdfbase.pdfdoc import PDFArray, PDFDictionary, PDFName, PDFObjectReference, PDFString
from reportlab.pdfbase.pdfmetrics import standardFonts
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, Table


@dataclass(eq=False)
class _Element:
    """A node of the structure tree. children: elements, or the numbers of marked content on a page."""

    kind: str
    name: str
    parent: str
    page: str | None = None
    alternative: str | None = None
    attributes: dict[str, Any] | None = None
    children: list[_Element | int] = field(default_factory=list)


class TaggedCanvas(Canvas):  # type: ignore[misc]  # reportlab has no types
    """A canvas that keeps the structure of what is drawn and writes it with the file.

    font: of text that names none. foot: draws what stands on every page, told the page and how many there are; called when all
    pages are there, so that nothing has to be laid out twice.
    """

    font = "Vera"
    _code: list[str]

    def __init__(self, *arguments: Any, foot: Callable[[Any, int, int], None] | None = None, **options: Any) -> None:
        super().__init__(*arguments, **{**options, "initialFontName": self.font})
        self._foot = foot
        self._pages: list[Any] = []
        self._root = _Element("Document", "StructDocument", "StructTree")
        self._open = [self._root]
        self._elements = [self._root]
        self._marks: list[list[str]] = [[]]  # by page: the element of each marked content

    def setFont(self, psfontname: str, size: float, leading: float | None = None) -> None:
        """Choose a font; one of the fonts that cannot be embedded gives way to this canvas's own."""
        super().setFont(self.font if psfontname in standardFonts else psfontname, size, leading)

    def _new(self, kind: str, **more: Any) -> _Element:
        parent = self._open[-1]
        element = _Element(kind, f"Struct{len(self._elements)}", parent.name, **more)
        self._elements.append(element)
        parent.children.append(element)
        return element

    @contextmanager
    def element(self, kind: str, attributes: dict[str, Any] | None = None) -> Iterator[None]:
        """A part that holds other parts (`Table`, `TR`, `TD`)."""
        self._open.append(self._new(kind, attributes=attributes))
        try:
            yield
        finally:
            self._open.pop()

    @contextmanager
    def content(self, kind: str, alternative: str | None = None) -> Iterator[None]:
        """A part that is drawn here (`P`, `H1`, `Figure`). alternative: what is read in place of a figure."""
        marks = self._marks[-1]
        number = len(marks)
        element = self._new(kind, page=self._doc.thisPageName(), alternative=alternative)
        element.children.append(number)
        marks.append(element.name)
        self._code.append(f"/{kind} <</MCID {number}>> BDC")
        try:
            yield
        finally:
            self._code.append("EMC")

    @contextmanager
    def artifact(self) -> Iterator[None]:
        """Something drawn that is not read: lines, backgrounds, page numbers."""
        self._code.append("/Artifact BMC")
        try:
            yield
        finally:
            self._code.append("EMC")

    def showPage(self) -> None:
        """End a page; its marked content gets a place in the parent tree."""
        super().showPage()
        page = self._doc.Pages.pages[-1]
        self._pages.append(page)
        page.__NoDefault__ = [*page.__NoDefault__, "StructParents", "Tabs"]
        page.StructParents = len(self._marks) - 1
        page.Tabs = PDFName("S")
        self._marks.append([])

    def save(self) -> None:
        """Write the file with its structure tree."""
        if len(self._code):
            self.showPage()
        for number, page in enumerate(self._pages, start=1):
            if self._foot is not None:
                self._code = []
                with self.artifact():
                    self._foot(self, number, len(self._pages))
                page.setStream([page.stream, *self._code])
        self._code = []
        document = self._doc
        for element in self._elements:
            document.Reference(_dictionary(element), element.name)
        numbers: list[Any] = []
        for place, marks in enumerate(self._marks[:-1]):
            numbers += [place, PDFArray([PDFObjectReference(name) for name in marks])]
        parents = document.Reference(PDFDictionary({"Nums": PDFArray(numbers)}), "StructParentTree")
        tree = PDFDictionary(
            {
                "Type": PDFName("StructTreeRoot"),
                "K": PDFArray([PDFObjectReference(self._root.name)]),
                "ParentTree": parents,
                "ParentTreeNextKey": len(self._marks) - 1,
            }
        )
        document.Reference(tree, "StructTree")
        document.Catalog.StructTreeRoot = PDFObjectReference("StructTree")
        document.Catalog.MarkInfo = PDFDictionary({"Marked": "true"})
        document.Catalog.ViewerPreferences = PDFDictionary({"DisplayDocTitle": "true"})
        super().save()


def _dictionary(element: _Element) -> PDFDictionary:
    kinds = [each if isinstance(each, int) else PDFObjectReference(each.name) for each in element.children]
    entries: dict[str, Any] = {
        "Type": PDFName("StructElem"),
        "S": PDFName(element.kind),
        "P": PDFObjectReference(element.parent),
        "K": PDFArray(kinds),
    }
    if element.page is not None:
        entries["Pg"] = PDFObjectReference(element.page)
    if element.alternative is not None:
        entries["Alt"] = PDFString(element.alternative)
    if element.attributes is not None:
        entries["A"] = PDFDictionary(element.attributes)
    return PDFDictionary(entries)


class Words(Paragraph):  # type: ignore[misc]
    """A paragraph; its parts after a page break are paragraphs again."""

    kind = "P"

    def draw(self) -> None:
        """Draw it as marked content."""
        with self.canv.content(self.kind):
            super().draw()


class Heading1(Words):
    """The title of the document."""

    kind = "H1"


class Heading2(Words):
    """A part's heading; also an entry of the outline."""

    kind = "H2"

    def draw(self) -> None:
        """Draw it, and let the outline point to it."""
        key = f"part-{self.canv.getPageNumber()}-{len(self.canv._elements)}"
        self.canv.bookmarkPage(key)
        self.canv.addOutlineEntry(self.getPlainText(), key, 0, closed=False)
        super().draw()


class Heading3(Words):
    """A heading within a part."""

    kind = "H3"


class Picture(Flowable):  # type: ignore[misc]
    """A drawing (`reportlab.graphics`) with the text that is read in its place."""

    def __init__(self, drawing: Any, alternative: str) -> None:
        super().__init__()
        self.drawing = drawing
        self.alternative = alternative

    def wrap(self, _width: float, _height: float) -> tuple[float, float]:
        """Its own size, whatever room there is."""
        return self.drawing.width, self.drawing.height

    def draw(self) -> None:
        """Draw it as a figure."""
        with self.canv.content("Figure", self.alternative):
            self.drawing.drawOn(self.canv, 0, 0)


class Layout(Table):  # type: ignore[misc]
    """Cells side by side that mean nothing as a table: only what is in them is read."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._renderCB = _Backgrounds()
        self.setStyle([("FONTNAME", (0, 0), (-1, -1), TaggedCanvas.font)])


class DataTable(Table):  # type: ignore[misc]
    """A table with one header row and a header cell in each row."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{"repeatRows": 1, **options})  # a part after a page break brings its own
        self._renderCB = _TableTags()


class _Backgrounds:
    """What ReportLab calls while it draws a table: backgrounds and lines become artifacts."""

    def __init__(self) -> None:
        self._held: list[Any] = []

    def __call__(self, table: Any, event: str, *details: Any) -> None:
        if event in ("startBG", "startLines"):
            self._enter(table.canv.artifact())
        elif event in ("endBG", "endLines"):
            self._leave()
        else:
            self.part(table, event, details)

    def part(self, table: Any, event: str, details: Sequence[Any]) -> None:
        """Rows and cells; nothing here."""

    def _enter(self, manager: Any) -> None:
        manager.__enter__()
        self._held.append(manager)

    def _leave(self) -> None:
        self._held.pop().__exit__(None, None, None)


class _TableTags(_Backgrounds):
    """Rows and cells as elements of a table; the first row and the first column are headers."""

    def part(self, table: Any, event: str, details: Sequence[Any]) -> None:
        """Open and close the elements."""
        canvas = table.canv
        if event == "startTable":
            self._enter(canvas.element("Table"))
        elif event == "startRow":
            self._enter(canvas.element("TR"))
        elif event == "startCell":
            row, column = details[0], details[1]
            if row == 0 or column == 0:
                scope = PDFName("Column" if row == 0 else "Row")
                self._enter(canvas.element("TH", {"O": PDFName("Table"), "Scope": scope}))
            else:
                self._enter(canvas.element("TD"))
        elif event in ("endTable", "endRow", "endCell"):
            self._leave()
