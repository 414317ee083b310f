"""Values of settings by which a server is reached: addresses and keys. What no request can carry is refused here."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, SecretStr

_LARGEST_PORT = 65535


def _address(text: str | None) -> str | None:
    """An http address with a host and, where there is one, a port in digits; "" is None."""
    text = (text or "").strip()
    if not text:
        return None
    import httpx  # as much again as reading all settings takes, and most setups have no server

    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as exc:
        raise ValueError(f"{exc}; write an address such as http://gpu-box:8000") from exc
    port_is_real = url.port is None or 0 < url.port <= _LARGEST_PORT
    if url.scheme not in ("http", "https") or not url.host or not port_is_real or any(map(str.isspace, text)):
        raise ValueError("it should be an address such as http://gpu-box:8000")
    return text


def _key(secret: SecretStr | None) -> SecretStr | None:
    """A key as a header can carry it, without the line feed that a file of secrets ends with; "" is None."""
    text = secret.get_secret_value().strip() if secret else ""
    if not (text.isascii() and text.isprintable()):
        raise ValueError("a key consists of printable ASCII characters, and curly quotes are none")
    return SecretStr(text) if text else None


Address = Annotated[str | None, AfterValidator(_address)]
"""Where a server is, or None."""

Key = Annotated[SecretStr | None, AfterValidator(_key)]
"""What a server wants to see, or None."""
