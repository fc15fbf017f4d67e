# Debian slim with the system's Python. repoprio has an environment of its own under /opt: the system's packages stay the
# package manager's.
FROM debian:12-slim

ARG REPOPRIO=repoprio
# Options for pip, such as --index-url with your own index. Not as PIP_INDEX_URL: doctor would count that as a way past the fuse.
ARG OPTIONS=
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-pip python3-venv \
    && rm -rf /var/lib/apt/lists/*

# Every pip obeys from here on, as root and as any user, in every environment that is made. The build fails if not.
COPY repoprio.toml /tmp/repoprio.toml
RUN python3 -m venv /opt/repoprio \
    && /opt/repoprio/bin/pip install --no-cache-dir $OPTIONS "$REPOPRIO" \
    && ln -s /opt/repoprio/bin/repoprio /usr/local/bin/repoprio \
    && repoprio setup-image --policy /tmp/repoprio.toml \
    && rm /tmp/repoprio.toml

RUN useradd --create-home app
USER app
WORKDIR /home/app
