"""The only door to stored artifacts: content-addressed places whose manifest is written last, on a disk or in a bucket.

    <root>/<name>/<fingerprint>/...files... + manifest.json     done: the manifest's presence means so
    <root>/<name>/<fingerprint>.lease/<n>.json                  held while one process writes (leases.py)
    <root>/<name>/<fingerprint>.partial/...files...             a folder: begun; finished files are found again on resume
    <root>/<name>/<fingerprint>.damaged...                      set aside: its manifest could not be read
    <root>/refs/...json                                         which artifact an asset made last (references.py)

The fingerprint is a hash of the name, the settings, the version and the *content* of every input: a changed setting
rebuilds exactly what depends on it, and an input rebuilt to the same bytes rebuilds nothing after it.

    store.py      builds and finds             artifact.py   what stages receive: local paths, wherever the files lie
    roots.py      a folder, or a bucket        cache.py      this machine's copies of what lies in a bucket
    leases.py     one writer at a time         manifests.py  each file's size and digest, under a seal
    faults.py     what storage says            verification.py   is all of it whole?
    home.py       where a user's runs lie      references.py     what each asset made last
"""

from evaluators.tables import atomic_file as atomic_file  # every writer's way to disk, told here too: this is the door
from pipelines.storage.artifact import Artifact as Artifact
from pipelines.storage.cache import local_folder as local_folder
from pipelines.storage.faults import StorageError as StorageError
from pipelines.storage.home import find_run as find_run
from pipelines.storage.home import home_location as home_location
from pipelines.storage.home import project_folder as project_folder
from pipelines.storage.manifests import MANIFEST as MANIFEST
from pipelines.storage.manifests import Json as Json
from pipelines.storage.manifests import UnreadableManifest as UnreadableManifest
from pipelines.storage.manifests import canonical_json as canonical_json
from pipelines.storage.manifests import file_digest as file_digest
from pipelines.storage.manifests import plain as plain
from pipelines.storage.references import REFERENCES as REFERENCES
from pipelines.storage.references import References as References
from pipelines.storage.roots import check_writable as check_writable
from pipelines.storage.store import Store as Store
