"""read_tensorboard.py EVENTS_FOLDER CSV_FOLDER: the event files have the trials of the CSV export.
Parsed by protobuf with descriptors made here from TensorFlow's and TensorBoard's .proto files."""
import csv
import math
import struct
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, struct_pb2

F = descriptor_pb2.FieldDescriptorProto
pool = descriptor_pool.Default()
file = descriptor_pb2.FileDescriptorProto(
    name="events.proto", package="t", syntax="proto3", dependency=["google/protobuf/struct.proto"]
)


def message(name, *fields):
    made = file.message_type.add(name=name)
    for number, field, kind, *repeated in fields:
        row = made.field.add(name=field, number=number, label=3 if repeated else 1)
        if isinstance(kind, str):
            row.type, row.type_name = F.TYPE_MESSAGE, kind
        else:
            row.type = kind
    return made


message("Plugin", (1, "plugin_name", F.TYPE_STRING), (2, "content", F.TYPE_BYTES))
message("Metadata", (1, "plugin_data", ".t.Plugin"))
message("Value", (1, "tag", F.TYPE_STRING), (2, "simple_value", F.TYPE_FLOAT), (9, "metadata", ".t.Metadata"))
message("Summary", (1, "value", ".t.Value", True))
message("Event", (1, "wall_time", F.TYPE_DOUBLE), (2, "step", F.TYPE_INT64), (3, "file_version", F.TYPE_STRING), (5, "summary", ".t.Summary"))
message("HParamInfo", (1, "name", F.TYPE_STRING), (4, "type", F.TYPE_INT32))
message("MetricName", (1, "group", F.TYPE_STRING), (2, "tag", F.TYPE_STRING))
message("MetricInfo", (1, "name", ".t.MetricName"))
message("Experiment", (3, "time_created_secs", F.TYPE_DOUBLE), (4, "hparam_infos", ".t.HParamInfo", True), (5, "metric_infos", ".t.MetricInfo", True), (6, "name", F.TYPE_STRING))
start = message("Start", (1, "hparams", ".t.Start.HparamsEntry", True), (4, "group_name", F.TYPE_STRING), (5, "start_time_secs", F.TYPE_DOUBLE))
entry = start.nested_type.add(name="HparamsEntry")
entry.options.map_entry = True
entry.field.add(name="key", number=1, label=1, type=F.TYPE_STRING)
entry.field.add(name="value", number=2, label=1, type=F.TYPE_MESSAGE, type_name=".google.protobuf.Value")
message("End", (1, "status", F.TYPE_INT32), (2, "end_time_secs", F.TYPE_DOUBLE))
message("Data", (1, "version", F.TYPE_INT32), (2, "experiment", ".t.Experiment"), (3, "start", ".t.Start"), (4, "end", ".t.End"))
struct_pb2.Value()  # its file is in the pool
pool.Add(file) if hasattr(pool, "Add") else pool.AddSerializedFile(file.SerializeToString())


def kind(name):
    found = pool.FindMessageTypeByName(name)
    get = getattr(message_factory, "GetMessageClass", None)
    return get(found) if get else message_factory.MessageFactory(pool).GetPrototype(found)


Event, Data = kind("t.Event"), kind("t.Data")
table = []
for i in range(256):
    for _ in range(8):
        i = i >> 1 ^ (0x82F63B78 if i & 1 else 0)
    table.append(i)


def masked(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def events(folder):
    data = open(folder + "/events.out.tfevents.0.lrsearch", "rb").read()
    at, found = 0, []
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        assert struct.unpack_from("<I", data, at + 8)[0] == masked(data[at : at + 8])
        body = data[at + 12 : at + 12 + length]
        assert len(body) == length
        assert struct.unpack_from("<I", data, at + 12 + length)[0] == masked(body)
        found.append(Event.FromString(body))
        at += 16 + length
    assert found[0].file_version == "brain.Event:2"
    return found[1:]


def hparams(event):
    (value,) = event.summary.value
    assert value.metadata.plugin_data.plugin_name == "hparams"
    return value.tag, Data.FromString(value.metadata.plugin_data.content)


folder, rows = sys.argv[1], list(csv.DictReader(open(sys.argv[2] + "/trials.csv")))
points = list(csv.DictReader(open(sys.argv[2] + "/curves.csv")))
(only,) = events(folder)
tag, data = hparams(only)
assert tag == "_hparams_/experiment" and data.experiment.name == "tiny"
assert [m.name.tag for m in data.experiment.metric_infos] == ["val_loss", "train_loss"]
names = [h.name for h in data.experiment.hparam_infos]
assert names[:2] == ["lr", "horizon_tokens"]
assert len(rows) > 5
for row in rows:
    first, *scalars, last = events(folder + "/trial-%04d" % int(row["id"]))
    tag, data = hparams(first)
    assert tag == "_hparams_/session_start_info"
    assert data.start.hparams["lr"].number_value == float(row["lr"])
    assert data.start.hparams["horizon_tokens"].number_value == float(row["horizon_tokens"])
    assert sorted(data.start.hparams) == sorted(names)
    tag, data = hparams(last)
    assert tag == "_hparams_/session_end_info"
    assert data.end.status == (1 if row["state"] == "done" else 2)
    told = [(e.step, e.summary.value[0].tag, e.summary.value[0].simple_value) for e in scalars]
    curve = [(int(p["tokens"]), "train_loss", float(p["train_loss"])) for p in points if p["trial"] == row["id"]]
    if row["state"] == "done":
        curve.append((int(row["tokens"]), "val_loss", float(row["val_loss"])))
    assert len(told) == len(curve) > 0
    for a, b in zip(told, curve):
        assert a[:2] == b[:2] and (abs(a[2] - b[2]) < 1e-5 or math.isnan(a[2] + b[2])), (a, b)
    times = [e.wall_time for e in scalars]
    assert times == sorted(times) and times[0] >= first.wall_time > 1e9
