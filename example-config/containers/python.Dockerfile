# An official Python image with repoprio in its only Python; `repoprio explain` is on PATH.
FROM python:3.12-slim

ARG REPOPRIO=repoprio
# Options for pip, such as --index-url with your own index. Not as PIP_INDEX_URL: doctor would count that as a way past the fuse.
ARG OPTIONS=
COPY repoprio.toml /tmp/repoprio.toml
RUN pip install --no-cache-dir $OPTIONS "$REPOPRIO" \
    && repoprio setup-image --policy /tmp/repoprio.toml \
    && rm /tmp/repoprio.toml

RUN useradd --create-home app
USER app
WORKDIR /home/app
