"""How static files are stored in production: named by their content, compressed, and known to one another so."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class Storage(CompressedManifestStaticFilesStorage):
    """Our modules import one another by the name with the hash too; else a browser loads and runs a shared one twice.

    Django could do that for every script (`support_js_module_import_aggregation`) but stumbles over those of packages.
    """

    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        ("js/*.js", ((r'(?P<matched>from\s+"(?P<url>\./[^"]+)")', 'from "%(url)s"'),)),
    )
