"""The form of a document to attach."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from openasm.app.kept.uploads import KINDS, MOST_BYTES, Attachment, BadAttachment, checked_attachment


class DocumentField(forms.FileField):
    """A file that becomes a checked `Attachment`."""

    def __init__(self, *, required: bool = True, label: str = "Document") -> None:
        super().__init__(
            required=required,
            label=label,
            max_length=200,
            help_text=f"{', '.join(KINDS)}; at most {MOST_BYTES >> 20} MB. No patients' names where they can be left out.",
            widget=forms.FileInput(attrs={"accept": ",".join(f".{kind}" for kind in KINDS)}),
        )

    def attachment(self, file: UploadedFile[Any]) -> Attachment:
        """The checked file; ValidationError with the reason when it is not taken."""
        if file.size is not None and file.size > MOST_BYTES:
            raise forms.ValidationError(f"The file is larger than {MOST_BYTES >> 20} MB.")
        try:
            return checked_attachment(file.name or "", file.read())
        except BadAttachment as bad:
            raise forms.ValidationError(str(bad)) from None


class DocumentForm(forms.Form):
    """One document. After `is_valid`, `attachment` is the checked file."""

    document = DocumentField()
    attachment: Attachment

    def clean_document(self) -> UploadedFile[Any]:
        """Check the content."""
        file: UploadedFile[Any] = self.cleaned_data["document"]
        field = self.fields["document"]
        assert isinstance(field, DocumentField)
        self.attachment = field.attachment(file)
        return file
