"""What TensorBoard finds in a folder of runs, by its own readers, as JSON.

    python bench/peers/tensorboard_reader.py read FOLDER
    python bench/peers/tensorboard_reader.py golden train/tensorboard/testdata/golden.tfevents

The second writes the event file whose bytes the tests of train/tensorboard
compare with. Versions: bench/peers/tensorboard-requirements.txt.
"""

import argparse
import bisect
import csv
import json
import os
import struct
import sys

from google.protobuf import json_format, text_format
from tensorboard import context
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.compat.proto import event_pb2, histogram_pb2, summary_pb2
from tensorboard.plugins import base_plugin
from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups
from tensorboard.plugins.projector import projector_config_pb2
from tensorboard.summary.writer.record_writer import RecordWriter


def scalars(provider, everything):
    found = {}
    for run, tags in provider.read_scalars(everything, experiment_id="", plugin_name="scalars", downsample=10**6).items():
        found[run] = {tag: [[d.step, d.value] for d in data] for tag, data in tags.items()}
    return found


def histograms(provider, everything):
    """Of each histogram its buckets: lower end, upper end, count."""
    found = {}
    for run, tags in provider.read_tensors(everything, experiment_id="", plugin_name="histograms", downsample=10**6).items():
        found[run] = {tag: [[d.step, d.numpy.tolist()] for d in data] for tag, data in tags.items()}
    return found


def images(provider, everything):
    """Of each image width and height, as TensorBoard has them and as the PNG has."""
    found = {}
    for run, tags in provider.read_blob_sequences(everything, experiment_id="", plugin_name="images", downsample=10**6).items():
        for tag, data in tags.items():
            for d in data:
                width, height, *pictures = [provider.read_blob(everything, blob_key=r.blob_key) for r in d.values]
                in_png = struct.unpack(">II", pictures[0][16:24])
                entry = [d.step, int(width), int(height), *in_png]
                found.setdefault(run, {}).setdefault(tag, []).append(entry)
    return found


def hyperparameters(provider, everything):
    """Each session as the hparams plugin lists it, with the tags of its metrics."""
    plugin = backend_context.Context(base_plugin.TBContext(data_provider=provider))
    metadata = plugin.hparams_metadata(everything, "")
    experiment = plugin.experiment_from_metadata(everything, "", True, metadata, [])
    request = api_pb2.ListSessionGroupsRequest(
        start_index=0, slice_size=1000, include_metrics=True,
        allowed_statuses=[api_pb2.STATUS_UNKNOWN, api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE, api_pb2.STATUS_RUNNING],
        col_params=[api_pb2.ColParams(hparam=h.name) for h in experiment.hparam_infos],
    )
    groups = list_session_groups.Handler(everything, plugin, "", request).run().session_groups
    return {
        "metrics": sorted(m.name.tag for m in experiment.metric_infos),
        "groups": [
            {"name": g.name, "status": g.sessions[0].status, "hparams": {k: json_format.MessageToDict(v) for k, v in g.hparams.items()}}
            for g in groups
        ],
    }


def projector(folder):
    path = os.path.join(folder, "projector_config.pbtxt")
    if not os.path.exists(path):
        return None
    with open(path) as file:
        one = text_format.Parse(file.read(), projector_config_pb2.ProjectorConfig()).embeddings[0]
    rows = lambda name: list(csv.reader(open(os.path.join(folder, name)), delimiter="\t"))
    with open(os.path.join(folder, one.sprite.image_path), "rb") as file:
        sprite = struct.unpack(">II", file.read(24)[16:24])
    return {
        "codes": [[float(x) for x in row] for row in rows(one.tensor_path)],
        "metadata": rows(one.metadata_path),
        "sprite": sprite,
        "image": list(one.sprite.single_image_dim),
    }


def read(folder):
    multiplexer = plugin_event_multiplexer.EventMultiplexer()
    multiplexer.AddRunsFromDirectory(folder)
    multiplexer.Reload()
    provider = data_provider.MultiplexerDataProvider(multiplexer, folder)
    everything = context.RequestContext()
    json.dump({
        "scalars": scalars(provider, everything), "histograms": histograms(provider, everything),
        "images": images(provider, everything), "hparams": hyperparameters(provider, everything),
        "projector": {run: projector(os.path.join(folder, run)) for run in multiplexer.Runs()},
    }, sys.stdout)


def golden(path):
    """A file of three events, as TensorBoard itself serialises and frames them."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        out = RecordWriter(file)
        out.write(event_pb2.Event(wall_time=1.7e9, file_version="brain.Event:2").SerializeToString())
        limits = [1e-12]
        while limits[-1] * 1.1 < 1e20:
            limits.append(limits[-1] * 1.1)
        values = [0.5, 0.53125, 0.75]
        where = [bisect.bisect_right(limits, x) for x in values]
        histogram = histogram_pb2.HistogramProto(
            min=values[0], max=values[-1], num=3, sum=sum(values), sum_squares=sum(x * x for x in values),
            bucket_limit=limits[where[0]:where[-1] + 1], bucket=[where.count(i) for i in range(where[0], where[-1] + 1)])
        picture = summary_pb2.Summary.Image(height=3, width=5, colorspace=1, encoded_image_string=b"no picture")
        out.write(event_pb2.Event(wall_time=1.7e9 + 0.25, step=300, summary=summary_pb2.Summary(value=[
            summary_pb2.Summary.Value(tag="train/loss", simple_value=0.125),
            summary_pb2.Summary.Value(tag="codes", histo=histogram),
            summary_pb2.Summary.Value(tag="sheet", image=picture),
        ])).SerializeToString())
        out.write(event_pb2.Event(wall_time=1.7e9 + 1, step=301, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START)).SerializeToString())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["read", "golden"])
    parser.add_argument("path")
    arguments = parser.parse_args()
    {"read": read, "golden": golden}[arguments.what](arguments.path)
