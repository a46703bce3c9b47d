"""What is said where too much is asked at once."""

from __future__ import annotations

from core import SwathError


class BusyError(SwathError):
    """As many questions are being answered as the server takes."""
