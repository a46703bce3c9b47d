# Three targets of one file. The last is the default: docker build -t swath . && docker run --rm \
#   -p 127.0.0.1:8000:8000 -v ./my-index:/index:ro --read-only --tmpfs /tmp swath
#   cpu   serves, searches and indexes on one machine; no torch, no CUDA
#   ray   that and Ray: what docker-compose.yml and deploy/rayjob.yaml run
#   gpu   that and torch, ONNX Runtime and the published encoders on CUDA 13; needs a driver of branch 580 or newer
# Base images are pinned by version and by the digest of their multi-platform index.

FROM python:3.11.15-slim-bookworm@sha256:d29f48a31a8b408ed19272ca1e7b10ebae13b240a27e862d3d4217c528e2e0c3 AS python
ENV PIP_DISABLE_PIP_VERSION_CHECK=1

# Swath itself, as a wheel.
FROM python AS wheel
WORKDIR /source
RUN pip install --no-cache-dir hatchling==1.33.0
COPY pyproject.toml README.md LICENSE ./
COPY web web
COPY core core
COPY embeddings embeddings
COPY indexer indexer
COPY retriever retriever
COPY evaluation evaluation
COPY api api
COPY demo demo
COPY swath swath
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels .

# Its packages: these layers are kept as long as only Swath changes.
FROM python AS packages
COPY deploy/requirements/base.txt /requirements/
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --no-deps --requirement /requirements/base.txt

FROM packages AS packages-ray
COPY deploy/requirements/ray.txt /requirements/
RUN /opt/venv/bin/pip install --no-cache-dir --no-deps --requirement /requirements/ray.txt

FROM packages AS installed-cpu
COPY --from=wheel /wheels /wheels
RUN /opt/venv/bin/pip install --no-cache-dir --no-deps /wheels/*.whl && /opt/venv/bin/pip check

FROM packages-ray AS installed-ray
COPY --from=wheel /wheels /wheels
RUN /opt/venv/bin/pip install --no-cache-dir --no-deps /wheels/*.whl && /opt/venv/bin/pip check

# CUDA 13 is what onnxruntime-gpu 1.31 and torch 2.13 are built for. Ubuntu 24.04 brings Python 3.12.
FROM nvidia/cuda:13.0.2-cudnn-runtime-ubuntu24.04@sha256:14d94b039cb94bbd5da559f303b46bc4b0d5d6c24ab1a9d7b186e566ed3400dc AS cuda
# Ubuntu takes versions off its mirrors as it replaces them: one that is pinned here would end the build at the next fix.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libexpat1 python3 python3-venv wget \
 && rm -rf /var/lib/apt/lists/*
ENV PIP_DISABLE_PIP_VERSION_CHECK=1

FROM cuda AS installed-gpu
COPY deploy/requirements /requirements
RUN python3 -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir torch==2.13.0 --requirement /requirements/base.txt --requirement /requirements/ray.txt
COPY --from=wheel /wheels /wheels
# onnxruntime-gpu comes last, over the files of onnxruntime: it is the same package, built for CUDA.
RUN set -- /wheels/*.whl \
 && /opt/venv/bin/pip install --no-cache-dir --constraint /requirements/base.txt --constraint /requirements/ray.txt \
      torch==2.13.0 "$1[torch,datasets,distributed]" \
 && /opt/venv/bin/pip install --no-cache-dir --force-reinstall --no-deps onnxruntime-gpu==1.31.1

FROM cuda AS gpu
LABEL org.opencontainers.image.title="Swath" \
      org.opencontainers.image.description="Search satellite imagery archives in words or with a picture (CUDA)." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --create-home --uid 10001 swath \
 && install --directory --owner swath --group swath /index /cache /metrics
COPY --from=installed-gpu /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    NUMBA_CACHE_DIR=/tmp/numba \
    SWATH_WEIGHTS_DIR=/cache/weights \
    SWATH_SCENE_CACHE=/cache/scenes \
    SWATH_INDEX_CACHE=/cache/indexes
WORKDIR /home/swath
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["swath"]
CMD ["serve", "--index", "/index", "--host", "0.0.0.0", "--port", "8000"]

FROM python AS runtime
LABEL org.opencontainers.image.title="Swath" \
      org.opencontainers.image.description="Search satellite imagery archives in words or with a picture." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
# rasterio's wheel needs the system's expat, which slim images do not carry; KubeRay's probes call wget.
# Debian takes versions off its mirrors as it replaces them: one that is pinned here would end the build at the next fix.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libexpat1 wget \
 && rm -rf /var/lib/apt/lists/*
# A volume that is mounted there for the first time takes over these owners.
RUN useradd --create-home --uid 10001 swath \
 && install --directory --owner swath --group swath /index /cache /metrics
# All that is written lies in /index, /cache, /metrics and /tmp: the rest may be mounted read-only.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    NUMBA_CACHE_DIR=/tmp/numba \
    SWATH_WEIGHTS_DIR=/cache/weights \
    SWATH_SCENE_CACHE=/cache/scenes \
    SWATH_INDEX_CACHE=/cache/indexes
WORKDIR /home/swath
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["swath"]
CMD ["serve", "--index", "/index", "--host", "0.0.0.0", "--port", "8000"]

FROM runtime AS ray
COPY --from=installed-ray /opt/venv /opt/venv

FROM runtime AS cpu
COPY --from=installed-cpu /opt/venv /opt/venv
