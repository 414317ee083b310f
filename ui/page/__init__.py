"""The chat page, a NiceGUI app inside the server's app."""

from ui.page.mount import mount_page

__all__ = ["mount_page"]
