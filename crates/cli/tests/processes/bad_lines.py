"""A switch whose lines are slow and lossy, for kernels without netem.

python3 bad_lines.py DELAY_S LOSS HOST PORT...

Frames that arrive at a PORT leave DELAY_S later, but for the LOSS part of them; frames from HOST leave at once.
HOST and PORTs are network interfaces of this namespace. Prints "ready" when it forwards, and ends when it is told to.
"""

import heapq
import random
import selectors
import socket
import sys
import time

ETH_P_ALL = 3
SOL_PACKET = 263
PACKET_VNET_HDR = 15  # segments and checksums that the sender left to its device pass as they are
PACKET_IGNORE_OUTGOING = 23
VNET_HEADER = 10
FRAMES_KEPT = 20_000


def opened(name):
    line = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    line.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    line.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    line.bind((name, 0))
    line.setblocking(False)
    return line


def main():
    delay, loss, names = float(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
    lines = [opened(name) for name in names]
    at, waiting, number = {}, [], 0
    selector = selectors.DefaultSelector()
    for place, line in enumerate(lines):
        selector.register(line, selectors.EVENT_READ, place)
    print("ready", flush=True)
    while True:
        left = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        for key, _ in selector.select(left):
            try:
                frame = key.fileobj.recv(1 << 17)
            except OSError:
                continue
            ethernet = frame[VNET_HEADER:]
            at[ethernet[6:12]] = key.data
            slow = key.data != 0
            if slow and random.random() < loss or len(waiting) > FRAMES_KEPT:
                continue
            number += 1
            heapq.heappush(waiting, (time.monotonic() + delay * slow, number, key.data, frame))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, came, frame = heapq.heappop(waiting)
            to = at.get(frame[VNET_HEADER : VNET_HEADER + 6])
            for place in range(len(lines)) if to is None else [to]:
                if place != came:
                    try:
                        lines[place].send(frame)
                    except OSError:
                        pass  # a full device loses frames, as devices do


main()
