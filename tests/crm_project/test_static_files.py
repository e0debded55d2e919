"""Static files as production stores them."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.files.base import ContentFile

from crm_project.static_files import Storage

IMPORTS = re.compile(r'(?:import|from)\s+"(\./[^"]+)"')


def test_modules_import_one_another_by_their_hashed_names(tmp_path: Path):
    storage = Storage(location=str(tmp_path), base_url="/static/")
    names = [f"js/{path.name}" for path in Path(settings.BASE_DIR, "static", "js").glob("*.js")]
    for name in names:
        storage.save(name, ContentFile(Path(str(finders.find(name))).read_bytes()))
    for _ in storage.post_process({name: (storage, name) for name in names}):
        pass
    imported = set()
    for name in names:
        stored = tmp_path / str(storage.hashed_files[storage.hash_key(name)])
        imported |= {(stored.parent / target).resolve() for target in IMPORTS.findall(stored.read_text("utf-8"))}
    assert {path.name.split(".")[0] for path in imported} >= {"anchored", "lost", "patch"}
    assert all(path.is_file() and re.search(r"\.[0-9a-f]{12}\.js$", path.name) for path in imported)
