# Alpine with the system's Python.
FROM alpine:3.20

ARG REPOPRIO=repoprio
# Options for pip, such as --index-url with your own index. Not as PIP_INDEX_URL: doctor would count that as a way past the fuse.
ARG OPTIONS=
RUN apk add --no-cache python3 py3-pip

COPY repoprio.toml /tmp/repoprio.toml
RUN python3 -m venv /opt/repoprio \
    && /opt/repoprio/bin/pip install --no-cache-dir $OPTIONS "$REPOPRIO" \
    && ln -s /opt/repoprio/bin/repoprio /usr/local/bin/repoprio \
    && repoprio setup-image --policy /tmp/repoprio.toml \
    && rm /tmp/repoprio.toml

RUN adduser -D app
USER app
WORKDIR /home/app
