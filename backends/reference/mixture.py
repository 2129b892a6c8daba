"""Mixtures of experts, from their formula: one position and one expert at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from backends.reference import REFERENCE, Mode, reference
from dsl.layers.mixture import MixtureOfExperts


@reference(MixtureOfExperts)
def mixture_of_experts(
    layer: MixtureOfExperts, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``sum_e w_e expert_e(x)`` over the chosen experts (Shazeer et al. 2017, eq. 1)."""
    x = inputs[0].reshape(-1, inputs[0].shape[-1])
    scores = _scores(layer, x @ weights["router.weight"].T)
    chosen = np.argsort(-scores, axis=1, kind="stable")[:, : layer.top_k]
    results = np.zeros_like(x)
    for position, experts in enumerate(chosen):
        total = scores[position, experts].sum() if layer.normalize else 1.0
        for expert in experts:
            own = {role: value[expert] for role, value in weights.items() if _is_routed(role)}
            share = layer.scale * scores[position, expert] / total
            results[position] += share * _network(layer, x[position], own)
    if layer.shared_hidden:
        prefix = "shared."
        own = {r.removeprefix(prefix): v for r, v in weights.items() if r.startswith(prefix)}
        gate = x @ weights["shared_gate.weight"].T if layer.shared_gate else np.inf
        results += _network(layer, x, own) / (1 + np.exp(-gate))
    if mode.training and layer.balance:
        mode.penalties.append(balance_penalty(layer, scores, chosen))
    return results.reshape(inputs[0].shape)


def balance_penalty(layer: MixtureOfExperts, scores: Any, chosen: Any) -> float:
    """``balance * experts * sum_e f_e P_e`` (Fedus et al. 2021, eq. 4 to 6).

    Args:
        layer: The layer.
        scores: ``[positions, experts]``.
        chosen: The experts of each position, ``[positions, top_k]``.
    """
    shares = scores / scores.sum(1, keepdims=True)
    total = 0.0
    for expert in range(layer.experts):
        total += (chosen == expert).any(1).mean() * shares[:, expert].mean()
    return layer.balance * layer.experts * total


def _scores(layer: MixtureOfExperts, logits: np.ndarray) -> np.ndarray:
    if layer.score == "sigmoid":
        return 1 / (1 + np.exp(-logits))
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def _is_routed(role: str) -> bool:
    """Whether a weight has a part for each expert."""
    return role.split(".")[0] in ("gate", "up", "down")


def _network(layer: MixtureOfExperts, x: np.ndarray, weights: dict[str, Any]) -> np.ndarray:
    """``down(act(gate x) * up x)``, or ``down(act(up x))``."""
    up = _linear(x, weights, "up")
    if layer.gated:
        return _linear(_activated(layer, _linear(x, weights, "gate")) * up, weights, "down")
    return _linear(_activated(layer, up), weights, "down")


def _activated(layer: MixtureOfExperts, x: np.ndarray) -> Any:
    return REFERENCE[type(layer.act)](layer.act, [x], {}, Mode(), (None,))


def _linear(x: np.ndarray, weights: dict[str, Any], role: str) -> np.ndarray:
    return x @ weights[f"{role}.weight"].T + weights.get(f"{role}.bias", 0)
