"""Gives an embedded cloud a known access key before its first start, so that a program can sign for it."""
from pathlib import Path

ACCESS_KEY, SECRET_KEY = "thumbwheel", "thumbwheel-secret"


def write_known_key(data):
    """data: the data directory (--data)."""
    data = Path(data)
    data.mkdir(parents=True, exist_ok=True)
    (data / "credentials").write_text(f"[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n")
