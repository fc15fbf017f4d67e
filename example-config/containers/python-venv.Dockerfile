# An official Python image, and an application in a virtual environment. The last stage has the tools of the first, but
# not what was needed to build. repoprio has an environment of its own, so that none of its packages is in the way.
FROM python:3.12-slim AS guarded

ARG REPOPRIO=repoprio
# Options for pip, such as --index-url with your own index. Not as PIP_INDEX_URL: doctor would count that as a way past the fuse.
ARG OPTIONS=
COPY repoprio.toml /tmp/repoprio.toml
RUN python -m venv /opt/repoprio \
    && /opt/repoprio/bin/pip install --no-cache-dir $OPTIONS "$REPOPRIO" \
    && ln -s /opt/repoprio/bin/repoprio /usr/local/bin/repoprio \
    && repoprio setup-image --policy /tmp/repoprio.toml \
    && rm /tmp/repoprio.toml

FROM guarded AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential \
    && rm -rf /var/lib/apt/lists/*
COPY requirements.txt /tmp/requirements.txt
RUN python -m venv /srv/app/venv \
    && /srv/app/venv/bin/pip install --no-cache-dir --requirement /tmp/requirements.txt

FROM guarded
COPY --from=build /srv/app/venv /srv/app/venv
RUN useradd --create-home app
USER app
WORKDIR /home/app
ENV PATH=/srv/app/venv/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
