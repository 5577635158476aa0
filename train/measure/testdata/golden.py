"""Writes golden.json: figures of scikit-image, scikit-learn and SciPy.

python -m venv venv && venv/bin/pip install numpy==2.4.6 scipy==1.17.1 \
    scikit-image==0.26.0 scikit-learn==1.9.1
venv/bin/python golden.py > golden.json

MS-SSIM, which none of them has, is written out below from the paper; MMD from
its definition. Images are those that pattern() and disturb() make, which the
test makes again.
"""
import json
import numpy as np, scipy, skimage, sklearn
from scipy import ndimage
from scipy.spatial.distance import cdist, mahalanobis
from skimage.metrics import structural_similarity
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score


def pattern(h, w, c):
    y, x, k = np.meshgrid(np.arange(h), np.arange(w), np.arange(c), indexing="ij")
    return np.floor(127.5 + 100 * np.sin(y / 9 + k) * np.cos(x / 13)) / 255


def disturb(image, strength):
    i = np.arange(image.size).reshape(image.shape)
    noise = ((i * i * 31 + i * 17) % 251) / 250 - 0.5
    return np.clip(image + strength * noise, 0, 1)


def images(h, w, c, strength):
    a = pattern(h, w, c)
    return a.astype(np.float32).astype(float), disturb(a, strength).astype(np.float32).astype(float)


def ssim(a, b):
    return structural_similarity(a, b, data_range=1, gaussian_weights=True, sigma=1.5,
                                 use_sample_covariance=False, channel_axis=2)


def terms(a, b):
    """Mean contrast-structure term and mean SSIM of two planes."""
    def smooth(p):
        return ndimage.gaussian_filter(p, 1.5, radius=5)[5:-5, 5:-5]
    ma, mb = smooth(a), smooth(b)
    va, vb, cov = smooth(a * a) - ma * ma, smooth(b * b) - mb * mb, smooth(a * b) - ma * mb
    cs = (2 * cov + 0.03**2) / (va + vb + 0.03**2)
    return cs.mean(), (cs * (2 * ma * mb + 0.01**2) / (ma * ma + mb * mb + 0.01**2)).mean()


def halve(p):
    h, w = p.shape[0] // 2 * 2, p.shape[1] // 2 * 2
    return p[:h, :w].reshape(h // 2, 2, w // 2, 2).mean((1, 3))


def ms_ssim(a, b, scales):
    weights = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])[:scales]
    weights /= weights.sum()
    per_channel = []
    for k in range(a.shape[2]):
        p, q, product = a[..., k], b[..., k], 1.0
        for i, weight in enumerate(weights):
            if i:
                p, q = halve(p), halve(q)
            cs, s = terms(p, q)
            product *= max(s if i == scales - 1 else cs, 0) ** weight
        per_channel.append(product)
    return float(np.mean(per_channel))


def mmd(x, y, kernel):
    xx, yy, xy = cdist(x, x, "sqeuclidean"), cdist(y, y, "sqeuclidean"), cdist(x, y, "sqeuclidean")
    iu, ju = np.triu_indices(len(x), 1), np.triu_indices(len(y), 1)
    median = np.median(np.concatenate([xx[iu], yy[ju], xy.ravel()]))
    k = {"rbf": lambda d: np.exp(-d / median), "imq": lambda d: median / (median + d)}[kernel]
    return float(k(xx[iu]).mean() + k(yy[ju]).mean() - 2 * k(xy).mean())


likeness = []
for h, w, c, strength, scales in [(28, 28, 1, 0.2, 2), (40, 33, 3, 0.5, 2), (11, 16, 1, 0.9, 1), (180, 176, 1, 0.7, 5)]:
    a, b = images(h, w, c, strength)
    likeness.append({"h": h, "w": w, "c": c, "strength": strength, "ssim": float(ssim(a, b)),
                     "scales": scales, "ms_ssim": ms_ssim(a, b, scales), "mse": float(((a - b) ** 2).mean())})

_, noisy = images(9, 7, 2, 0.8)
filters = {
    "median3": ndimage.median_filter(noisy, (3, 3, 1)).ravel().tolist(),
    "median5": ndimage.median_filter(noisy, (5, 5, 1)).ravel().tolist(),
    "gaussian0.7": ndimage.gaussian_filter(noisy, (0.7, 0.7, 0)).ravel().tolist(),
    "gaussian2": ndimage.gaussian_filter(noisy, (2, 2, 0)).ravel().tolist(),
}

rng = np.random.default_rng(7)
ranking = []
for n, levels in [(50, 8), (200, 1000)]:
    positive = rng.random(n) < 0.3
    scores = np.floor(levels * (rng.random(n) + 0.3 * positive))
    ranking.append({"scores": scores.tolist(), "positive": positive.tolist(),
                    "roc_auc": float(roc_auc_score(positive, scores)),
                    "average_precision": float(average_precision_score(positive, scores)),
                    "quantile_0.99": float(np.quantile(scores, 0.99)), "quantile_0.3": float(np.quantile(scores, 0.3))})

x = rng.normal(size=(30, 3)).astype(np.float32).astype(float)
y = (rng.normal(size=(25, 3)) * 1.5 + 0.4).astype(np.float32).astype(float)
precision = np.linalg.inv(np.cov(x.T, bias=True))
codes = {"x": x.ravel().tolist(), "y": y.ravel().tolist(), "rbf": mmd(x, y, "rbf"), "imq": mmd(x, y, "imq"),
         "distances": [mahalanobis(v, x.mean(0), precision) ** 2 for v in y]}

centres = np.array([[0, 0, 0], [1.5, 0, 0], [0, 10, 0]])
labels = rng.integers(0, 3, 400)
rows = (centres[labels] + rng.normal(size=(400, 3)) * [1, 4, 1]).astype(np.float32).astype(float)
scaled = (rows[:300] - rows[:300].mean(0)) / rows[:300].std(0)
fitted = LogisticRegression(C=1e6, max_iter=10000, tol=1e-10).fit(scaled, labels[:300])
classifier = {"rows": rows.ravel().tolist(), "labels": labels.tolist(), "fitted": 300,
              "classes": fitted.predict((rows - rows[:300].mean(0)) / rows[:300].std(0)).tolist()}

json.dump({"versions": {"numpy": np.__version__, "scipy": scipy.__version__, "skimage": skimage.__version__, "sklearn": sklearn.__version__},
           "likeness": likeness, "filters": filters, "ranking": ranking, "codes": codes, "classifier": classifier},
          open(1, "w"), indent=None)
