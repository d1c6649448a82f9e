"""Many clients that do next to nothing.

    python crowd.py idle|slow PORT COUNT

They come from many networks, or, when they are slow, from one. It says "ready" when all are connected, and at the end
of its standard input how many were closed meanwhile. Slow ones send a header, and then a body, byte by byte; who is cut
off comes again.
"""

import heapq
import json
import resource
import select
import socket
import sys
import time

PER_NETWORK = 500
# Bytes of slow clients come so far apart.
PAUSE_SECONDS = 0.2
# Half of them dribble the header, half the body.
HEADER = b"POST /v1/events HTTP/1.1\r\nHost: www.example.org\r\nContent-Type: text/plain\r\nX-Slow: "
BODY = b"POST /v1/events HTTP/1.1\r\nHost: www.example.org\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n"


def connect(port, address):
    client = socket.socket()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.bind((address, 0))
    client.connect(("127.0.0.1", port))
    client.setblocking(False)
    return client


def is_closed(client):
    try:
        while True:
            if not client.recv(4096):
                return True
    except BlockingIOError:
        return False
    except OSError:
        return True


def idle(port, count):
    clients = [connect(port, f"127.200.{index // PER_NETWORK}.{index % 250 + 1}") for index in range(count)]
    time.sleep(0.2)
    if any(is_closed(client) for client in clients):
        sys.exit("not all were let in")
    print("ready", flush=True)
    sys.stdin.read()
    print(json.dumps({"closed": sum(is_closed(client) for client in clients)}))


def slow(port, count):
    cut, refused, sent = 0, 0, 0
    due, clients = [], {}

    def begin(index):
        nonlocal refused
        try:
            client = connect(port, f"127.201.0.{index % 250 + 1}")
            client.send(BODY if index % 2 else HEADER)
        except OSError:
            refused += 1
            clients[index] = None
            heapq.heappush(due, (time.monotonic() + 1, index))
            return
        clients[index] = client
        heapq.heappush(due, (time.monotonic() + PAUSE_SECONDS * (1 + index / count), index))

    for index in range(count):
        begin(index)
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], max(0, due[0][0] - time.monotonic()))[0]:
        moment = time.monotonic()
        while due and due[0][0] <= moment:
            _, index = heapq.heappop(due)
            client = clients[index]
            if client is None:
                begin(index)
                continue
            try:
                if is_closed(client):
                    raise ConnectionResetError
                client.send(b"x")
                sent += 1
                heapq.heappush(due, (moment + PAUSE_SECONDS, index))
            except OSError:
                cut += 1
                client.close()
                begin(index)
    print(json.dumps({"cut": cut, "refused": refused, "bytes": sent}))


if __name__ == "__main__":
    kind, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    {"idle": idle, "slow": slow}[kind](port, count)
