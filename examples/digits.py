"""A two-layer network that reads handwritten digits, trained with a generated gradient.

    python examples/digits.py [--out digits.png] [--epochs 40]

The loss is plain NumPy; srcad writes its backward pass, which minibatch gradient descent with momentum follows.
"""
from __future__ import annotations

import argparse

import matplotlib
import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from tqdm import trange

from srcad import value_and_grad

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
HELD_OUT = 360
WANTED = 0.96


@value_and_grad(wrt=("W1", "b1", "W2", "b2"))
def loss(W1, b1, W2, b2, X, labels, decay):
    """Mean cross entropy of a ReLU layer and a softmax layer, and weight decay."""
    hidden = np.maximum(X @ W1 + b1, 0)
    scores = hidden @ W2 + b2
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    log_probs = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    loss = -np.mean(log_probs[np.arange(len(labels)), labels])
    loss += 0.5 * decay * (np.sum(W1 * W1) + np.sum(W2 * W2))
    return loss


def split(seed: int = 0) -> tuple[Array, Labels, Array, Labels]:
    """Training pixels and labels, then those held out; pixels between 0 and 1."""
    digits = load_digits()
    order = np.random.default_rng(seed).permutation(len(digits.target))
    X, labels = digits.data[order] / 16.0, digits.target[order]
    return X[HELD_OUT:], labels[HELD_OUT:], X[:HELD_OUT], labels[:HELD_OUT]


def initial(pixels: int, hidden: int, classes: int, rng: np.random.Generator) -> list[Array]:
    """W1, b1, W2, b2: He's initial weights, and zeros."""
    W1 = rng.standard_normal((pixels, hidden)) * np.sqrt(2.0 / pixels)
    W2 = rng.standard_normal((hidden, classes)) * np.sqrt(2.0 / hidden)
    return [W1, np.zeros(hidden), W2, np.zeros(classes)]


def train(weights: list[Array], X: Array, labels: Labels, rng: np.random.Generator, *, epochs: int = 40, batch: int = 32,
          rate: float = 0.1, momentum: float = 0.9, decay: float = 1e-4) -> list[float]:
    """Change the weights in place, and return the loss of every minibatch."""
    velocities = [np.zeros_like(w) for w in weights]
    losses: list[float] = []
    bar = trange(epochs, desc="training", unit="epoch")
    for _ in bar:
        order = rng.permutation(len(labels))
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            value, grads = loss(*weights, X[rows], labels[rows], decay)
            for w, v, dw in zip(weights, velocities, grads, strict=True):
                v *= momentum
                v -= rate * dw
                w += v
            losses.append(float(value))
        bar.set_postfix(loss=f"{losses[-1]:.4f}")
    return losses


def predict(weights: list[Array], X: Array) -> Labels:
    """The class with the highest score, for each row."""
    W1, b1, W2, b2 = weights
    return np.argmax(np.maximum(X @ W1 + b1, 0) @ W2 + b2, axis=1)


def draw(path: str, losses: list[float], X: Array, labels: Labels, predicted: Labels, count: int = 10) -> None:
    """Save the loss curve and a few held-out digits, up to half of them wrongly read, in red."""
    figure = plt.figure(figsize=(10, 6))
    curve = figure.add_subplot(2, 1, 1)
    curve.semilogy(losses, linewidth=0.5)
    curve.set(xlabel="minibatch", ylabel="loss", title=f"held-out accuracy {np.mean(predicted == labels):.1%}")
    wrong, right = np.flatnonzero(predicted != labels), np.flatnonzero(predicted == labels)
    shown = [*wrong[: count // 2], *right][:count]
    for i, row in enumerate(shown):
        axes = figure.add_subplot(4, count // 2, count + 1 + i)
        axes.imshow(X[row].reshape(8, 8), cmap="gray_r")
        if row in wrong:
            axes.set_title(f"{predicted[row]}, not {labels[row]}", fontsize=9, color="red")
        else:
            axes.set_title(str(predicted[row]), fontsize=9)
        axes.axis("off")
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a digit classifier with a generated gradient.")
    parser.add_argument("--out", default="digits.png", help="where to save the picture")
    parser.add_argument("--epochs", type=int, default=40)
    options = parser.parse_args()

    rng = np.random.default_rng(0)
    X, labels, held_X, held_labels = split()
    weights = initial(X.shape[1], 64, 10, rng)
    print(loss.source_for(*weights, X, labels, 1e-4))
    losses = train(weights, X, labels, rng, epochs=options.epochs)
    predicted = predict(weights, held_X)
    accuracy = float(np.mean(predicted == held_labels))
    draw(options.out, losses, held_X, held_labels, predicted)
    print(f"accuracy on {len(held_labels)} held-out digits: {accuracy:.2%}; picture in {options.out}")
    if accuracy < WANTED:
        raise SystemExit(f"the accuracy is below {WANTED:.0%}")


if __name__ == "__main__":
    main()
