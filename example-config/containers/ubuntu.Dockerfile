# Ubuntu with the system's Python, and an application in a virtual environment. What builds stays out of the last stage.
FROM ubuntu:24.04 AS guarded

ARG REPOPRIO=repoprio
# Options for pip, such as --index-url with your own index. Not as PIP_INDEX_URL: doctor would count that as a way past the fuse.
ARG OPTIONS=
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*

COPY repoprio.toml /tmp/repoprio.toml
RUN python3 -m venv /opt/repoprio \
    && /opt/repoprio/bin/pip install --no-cache-dir $OPTIONS "$REPOPRIO" \
    && ln -s /opt/repoprio/bin/repoprio /usr/local/bin/repoprio \
    && repoprio setup-image --policy /tmp/repoprio.toml \
    && rm /tmp/repoprio.toml

FROM guarded AS build
COPY requirements.txt /tmp/requirements.txt
RUN python3 -m venv /srv/app/venv \
    && /srv/app/venv/bin/pip install --no-cache-dir --requirement /tmp/requirements.txt

# Both stages have repoprio at the same place: a pointer in the environment leads there.
FROM guarded
COPY --from=build /srv/app/venv /srv/app/venv
RUN useradd --create-home app
USER app
WORKDIR /home/app
ENV PATH=/srv/app/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
