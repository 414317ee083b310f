# syntax=docker/dockerfile:1
FROM python:3.12-slim

# The index of a build of torch, from PyTorch's install page: the CPU build makes the image several GB smaller.
ARG TORCH_INDEX_URL=""

# libgomp1: llama.cpp's threads.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 hopcite \
    && install --directory --owner hopcite --group hopcite /data /models

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1

# The dependencies come before the code, so that a change of the code does not install them again.
WORKDIR /src
COPY pyproject.toml constraints.txt ./
RUN pip install --constraint constraints.txt ${TORCH_INDEX_URL:+--index-url "${TORCH_INDEX_URL}"} torch
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
        > requirements.txt \
    && pip install --constraint constraints.txt --requirement requirements.txt
COPY README.md LICENSE ./
COPY agent agent
COPY evals evals
COPY hopcite hopcite
COPY ingest ingest
COPY retrieval retrieval
COPY ui ui
RUN pip install --no-deps .

USER hopcite
WORKDIR /home/hopcite
ENV HOPCITE_DATA_DIR=/data HOPCITE_MODEL_DIR=/models HOPCITE_SERVER__HOST=0.0.0.0
VOLUME ["/data", "/models"]
EXPOSE 8000
CMD ["hopcite", "serve"]
