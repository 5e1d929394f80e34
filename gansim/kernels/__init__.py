"""The kernels: the only place that imports numba; nothing here knows pandas, files or joblib."""
