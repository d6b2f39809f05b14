#!/usr/bin/env bash
# The guess: an asset that makes several partitions in one run and returns a data version reports it for what it describes.
# What happens: Output carries one data version, and a single run over a range of partitions records it for each of them.
# Change one partition and what is downstream of all the others is stale too. Metadata can be given for each partition
# (add_asset_metadata has a partition_key), a data version cannot.
# dagster 1.13.28; source: run here.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/v"; "$folder/v/bin/pip" -q --disable-pip-version-check install dagster==1.13.28 2>/dev/null
cd "$folder"; DAGSTER_DISABLE_TELEMETRY=1 "$folder/v/bin/python" - 2>/dev/null <<'PY'
import dagster as dg
from dagster._core.definitions.data_version import extract_data_version_from_entry

parts = dg.StaticPartitionsDefinition(["a", "b", "c"])


@dg.asset(partitions_def=parts, backfill_policy=dg.BackfillPolicy.single_run(), io_manager_def=dg.mem_io_manager)
def made(context):
    return dg.Output(None, data_version=dg.DataVersion("of " + "+".join(context.partition_keys)))


instance = dg.DagsterInstance.ephemeral()
tags = {"dagster/asset_partition_range_start": "a", "dagster/asset_partition_range_end": "c"}
dg.materialize([made], instance=instance, tags=tags)
records = instance.fetch_materializations(made.key, limit=10).records
versions = {r.partition_key: extract_data_version_from_entry(r.event_log_entry).value for r in records}
print("dagster", dg.__version__, versions)
assert versions == dict.fromkeys("abc", "of a+b+c")
PY
