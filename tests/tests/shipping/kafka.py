"""A mock of Kafka with one topic, by librdkafka. SIGUSR1 takes its broker down, SIGUSR2 up again."""

import ctypes
import signal

BROKER = 1
kafka = ctypes.CDLL("librdkafka.so.1")


def function(name, result, *arguments):
    found = getattr(kafka, "rd_kafka_" + name)
    found.restype = result
    found.argtypes = arguments
    return found


pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
new = function("new", pointer, number, pointer, text, ctypes.c_size_t)
cluster_new = function("mock_cluster_new", pointer, pointer, number)
bootstraps = function("mock_cluster_bootstraps", text, pointer)
topic_create = function("mock_topic_create", number, pointer, text, number, number)
set_down = function("mock_broker_set_down", number, pointer, ctypes.c_int32)
set_up = function("mock_broker_set_up", number, pointer, ctypes.c_int32)

signals = {signal.SIGUSR1: set_down, signal.SIGUSR2: set_up}
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
producer = 0
cluster = cluster_new(new(producer, None, None, 0), 1)
assert topic_create(cluster, b"nat-acct", 1, 1) == 0
print(bootstraps(cluster).decode(), flush=True)
while True:
    change = signals[signal.sigwait(signals)]
    assert change(cluster, BROKER) == 0
    print(change.__name__, flush=True)
