"""Everyday data with many more samples than features as .npy files, from scikit-learn's own copies:

    pip install scikit-learn
    python recipes/everyday.py

NAME.npy and NAME-labels.npy for each: cancer (569 x 30), iris01 and iris12 (100 x 4), wine01 (130 x 13), digits01
(360 x 64), digits49 (361 x 64), digitsodd (1797 x 64, odd against even). The second class, or odd, is labelled +1, and
in cancer the benign tumours are. Farfield standardizes: `data.standardize = "columns"`.
"""
import numpy as np
from sklearn import datasets


def save(name, x, positive):
    np.save(f"{name}.npy", x)
    np.save(f"{name}-labels.npy", np.where(positive, 1, -1).astype(np.int8))
    print(f"{name}.npy: {x.shape[0]} x {x.shape[1]}, {np.count_nonzero(positive)} of them +1")


def pair(name, data, first, second):
    x, y = data
    of = (y == first) | (y == second)
    save(name, x[of], y[of] == second)


x, y = datasets.load_breast_cancer(return_X_y=True)
save("cancer", x, y == 1)
iris = datasets.load_iris(return_X_y=True)
pair("iris01", iris, 0, 1)
pair("iris12", iris, 1, 2)
pair("wine01", datasets.load_wine(return_X_y=True), 0, 1)
digits = datasets.load_digits(return_X_y=True)
pair("digits01", digits, 0, 1)
pair("digits49", digits, 4, 9)
save("digitsodd", digits[0], digits[1] % 2 == 1)
