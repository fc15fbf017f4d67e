# Red Hat's universal base image. Its own Python may be older than 3.10, so a newer one is installed beside it. Take the
# base image from the registry that you use.
FROM redhat/ubi9-minimal:9.4

ARG REPOPRIO=repoprio
# Options for pip, such as --index-url with your own index. Not as PIP_INDEX_URL: doctor would count that as a way past the fuse.
ARG OPTIONS=
RUN microdnf install --assumeyes python3.12 python3.12-pip shadow-utils \
    && microdnf clean all

COPY repoprio.toml /tmp/repoprio.toml
RUN python3.12 -m venv /opt/repoprio \
    && /opt/repoprio/bin/pip install --no-cache-dir $OPTIONS "$REPOPRIO" \
    && ln -s /opt/repoprio/bin/repoprio /usr/local/bin/repoprio \
    && repoprio setup-image --policy /tmp/repoprio.toml \
    && rm /tmp/repoprio.toml

RUN useradd --create-home app
USER app
WORKDIR /home/app
