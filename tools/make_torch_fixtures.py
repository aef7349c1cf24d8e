#!/usr/bin/env python3
"""Makes tests/fixtures/torch.safetensors: inputs, outputs and gradients as PyTorch computes them, in double precision.

Usage: make_torch_fixtures.py OUT.safetensors      Needs: PyTorch (any 1.13 or later); the tests need only the file.
Names are <case>/<tensor>. Packed data is time-major, longest sequence first, as torch.nn.utils.rnn.PackedSequence.
"""
import json
import struct
import sys

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import PackedSequence

torch.manual_seed(5)
torch.set_default_dtype(torch.float64)
store = {}


def keep(case, **tensors):
    for name, tensor in tensors.items():
        store[f"{case}/{name}"] = tensor.detach().clone().contiguous()


def lstm(case, bidirectional, with_state):
    """One packed layer; every output is weighted by fixed numbers so that all of it is differentiated."""
    inputs, hidden, sizes = 5, 7, [4, 3, 3, 3, 1, 1]
    net = nn.LSTM(inputs, hidden, bidirectional=bidirectional)
    for name, p in net.named_parameters():
        p.data.normal_(0, 0.4)
        if name.startswith("bias_hh"):
            p.data.zero_()
            p.requires_grad_(False)
    ways = 2 if bidirectional else 1
    x = torch.randn(sum(sizes), inputs, requires_grad=True)
    state = None
    if with_state:
        state = tuple(torch.randn(ways, sizes[0], hidden, requires_grad=True) for _ in range(2))
    out, (h_n, c_n) = net(PackedSequence(x, torch.tensor(sizes)), state)
    weights = [torch.randn_like(t) for t in (out.data, h_n, c_n)]
    sum((t * w).sum() for t, w in zip((out.data, h_n, c_n), weights)).backward()
    keep(case, batch_sizes=torch.tensor(sizes, dtype=torch.float64), x=x, y=out.data, h_n=h_n, c_n=c_n, dy=weights[0],
         dh_n=weights[1], dc_n=weights[2], dx=x.grad)
    for name, p in net.named_parameters():
        if not name.startswith("bias_hh"):
            keep(case, **{name: p, "d_" + name: p.grad})
    if with_state:
        keep(case, h0=state[0], c0=state[1], dh0=state[0].grad, dc0=state[1].grad)


def recurrent(case, make, ways=1):
    """Any packed recurrent layer of PyTorch with both biases and a first state; all outputs count, weighted."""
    inputs, hidden, sizes = 5, 6, [4, 3, 3, 2, 1]
    net = make(inputs, hidden, bidirectional=ways == 2)
    for p in net.parameters():
        p.data.normal_(0, 0.4)
    x = torch.randn(sum(sizes), inputs, requires_grad=True)
    widths = [getattr(net, "proj_size", 0) or hidden] + ([hidden] if isinstance(net, nn.LSTM) else [])
    first = [torch.randn(ways, sizes[0], width, requires_grad=True) for width in widths]
    out, last = net(PackedSequence(x, torch.tensor(sizes)), tuple(first) if len(first) > 1 else first[0])
    last = list(last) if isinstance(last, tuple) else [last]
    results = [out.data] + last
    weights = [torch.randn_like(t) for t in results]
    sum((t * w).sum() for t, w in zip(results, weights)).backward()
    keep(case, batch_sizes=torch.tensor(sizes, dtype=torch.float64), x=x, y=out.data, dy=weights[0], dx=x.grad)
    for k, name in enumerate(["h", "c"][:len(first)]):
        keep(case, **{name + "0": first[k], "d_" + name + "0": first[k].grad, name + "_n": last[k],
                      "d_" + name + "_n": weights[k + 1]})
    for name, p in net.named_parameters():
        keep(case, **{name: p, "d_" + name: p.grad})


def decoder(case):
    """Additive attention as e = tanh([h; s] W + b) . v, s = LSTM(s, [y; C]), the query being the state before."""
    batch, hidden, embed, width, dim, steps, source = 3, 4, 3, 6, 5, 4, 5
    leaf = lambda *shape: (torch.randn(*shape) * 0.5).requires_grad_()
    p = dict(embedded=leaf(steps, batch, embed), memory=leaf(batch, source, width), w_key=leaf(dim, width),
             b_key=leaf(dim), w_query=leaf(dim, hidden), v=leaf(dim), w_ih=leaf(4 * hidden, embed + width),
             w_hh=leaf(4 * hidden, hidden), bias=leaf(4 * hidden), h0=leaf(batch, hidden), c0=leaf(batch, hidden))
    h, c, rows, alphas = p["h0"], p["c0"], [], []
    keys = p["memory"] @ p["w_key"].T + p["b_key"]
    for t in range(steps):
        energy = torch.tanh(keys + (h @ p["w_query"].T).unsqueeze(1)) @ p["v"]
        alpha = energy.softmax(1)
        context = (alpha.unsqueeze(2) * p["memory"]).sum(1)
        gates = torch.cat([p["embedded"][t], context], 1) @ p["w_ih"].T + h @ p["w_hh"].T + p["bias"]
        i, f, g, o = gates.chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        rows.append(torch.cat([h, context], 1))
        alphas.append(alpha)
    features, alpha = torch.cat(rows), torch.cat(alphas)
    dfeatures, dalpha = torch.randn_like(features), torch.randn_like(alpha)
    ((features * dfeatures).sum() + (alpha * dalpha).sum()).backward()
    keep(case, features=features, alpha=alpha, dfeatures=dfeatures, dalpha=dalpha)
    for name, tensor in p.items():
        flat = (lambda t: t.reshape(-1, t.shape[-1]) if t.dim() == 3 else t)
        keep(case, **{name: flat(tensor), "d_" + name: flat(tensor.grad)})


def cross_entropy(case, smoothing):
    logits = torch.randn(6, 9, requires_grad=True)
    targets = torch.randint(9, (6,))
    loss = F.cross_entropy(logits, targets, label_smoothing=smoothing)
    loss.backward()
    keep(case, logits=logits, targets=targets.double(), loss=loss.reshape(1), dlogits=logits.grad)


def optimizer(case, make):
    w = torch.randn(13, 3, requires_grad=True)
    keep(case, w0=w)
    steps = make([w])
    grads = torch.randn(10, 13, 3)
    for g in grads:
        w.grad = g.clone()
        steps.step()
    keep(case, grads=grads, w=w)


lstm("lstm", False, False)
lstm("lstm_state", False, True)
lstm("bilstm", True, True)
decoder("decoder")
cross_entropy("cross_entropy", 0.0)
cross_entropy("cross_entropy_smoothed", 0.1)
optimizer("adam", lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.9, 0.98), weight_decay=0.02))
optimizer("adamw", lambda p: torch.optim.AdamW(p, lr=0.01, betas=(0.9, 0.98), weight_decay=0.02))
optimizer("sgd", lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, weight_decay=0.02))
recurrent("rnn_tanh", nn.RNN)
recurrent("rnn_relu", lambda i, h, **o: nn.RNN(i, h, nonlinearity="relu", **o))
recurrent("gru", nn.GRU)
recurrent("bigru", nn.GRU, ways=2)
recurrent("lstm_biases", nn.LSTM)
recurrent("projected", lambda i, h, **o: nn.LSTM(i, h, proj_size=4, **o))
recurrent("biprojected", lambda i, h, **o: nn.LSTM(i, h, proj_size=4, **o), ways=2)

header, data = {"__metadata__": {"torch": torch.__version__}}, b""
for name in sorted(store):
    flat = store[name].flatten().tolist()
    raw = struct.pack(f"<{len(flat)}d", *flat)
    header[name] = {"dtype": "F64", "shape": list(store[name].shape), "data_offsets": [len(data), len(data) + len(raw)]}
    data += raw
text = json.dumps(header, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
with open(sys.argv[1], "wb") as out:
    out.write(struct.pack("<Q", len(text)) + text + data)
