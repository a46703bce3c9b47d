# Serves an index: docker build -t swath . && docker run -p 8000:8000 -v ./my-index:/index:ro swath
FROM python:3.11-slim

# rasterio's wheel needs the system's expat, which slim images do not carry; KubeRay's probes call wget
RUN apt-get update && apt-get install --yes --no-install-recommends libexpat1 wget && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 10001 swath
WORKDIR /app
COPY pyproject.toml README.md LICENSE ./
COPY core core
COPY embeddings embeddings
COPY indexer indexer
COPY retriever retriever
COPY evaluation evaluation
COPY api api
COPY demo demo
COPY swath swath
COPY web web
# For deploy/rayjob.yaml: docker build --build-arg PACKAGES='.[distributed] ray[default]' -t swath-ray .
ARG PACKAGES="."
RUN pip install --no-cache-dir ${PACKAGES}

USER swath
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["swath"]
CMD ["serve", "--index", "/index", "--host", "0.0.0.0", "--port", "8000"]
