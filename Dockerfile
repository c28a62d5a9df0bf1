# The image of the GitHub Action: the core and the action, and nothing else.
#
# It lies at the root because a runner that builds it takes the Dockerfile's own folder as the build context, and the
# action needs shared/octopost_core. What else lies here stays out by .dockerignore. BASE may be any Debian or Ubuntu
# image that has Python 3.11 or newer with pip.
ARG BASE=python:3.13.14-slim-bookworm@sha256:9d7f287598e1a5a978c015ee176d8216435aaf335ed69ac3c38dd1bbb10e8d64
FROM ${BASE}

LABEL org.opencontainers.image.source="https://github.com/octopost/publish-action" \
      org.opencontainers.image.description="Publish one post to many social networks from a workflow" \
      org.opencontainers.image.licenses="Apache-2.0"

# An environment of its own, outside HOME (the runner sets HOME to a folder that it mounts), without pip: the base's pip
# fills it. Every package by its hash, none that the list does not name.
COPY github_action/requirements.txt /opt/octopost/requirements.txt
RUN python3 -m venv --without-pip /opt/octopost \
 && python3 -m pip --python /opt/octopost/bin/python install --quiet --disable-pip-version-check --no-cache-dir \
      --no-compile --no-deps --require-hashes --root-user-action ignore -r /opt/octopost/requirements.txt

COPY shared/octopost_core /opt/octopost/app/octopost_core
COPY github_action /opt/octopost/app/github_action
# The .pth file is how isolated mode, below, finds the code. Bytecode that never asks for its source's date: half the
# start-up time, whatever the layers do to dates.
RUN site="$(/opt/octopost/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
 && echo /opt/octopost/app > "$site/octopost.pth" \
 && /opt/octopost/bin/python -m compileall -q --invalidation-mode unchecked-hash "$site" /opt/octopost/app

# No USER and no WORKDIR: GitHub requires container actions to run as root in the workspace that it mounts, since the
# files behind GITHUB_OUTPUT belong to the runner's user, whose number changes.
# -I: the working folder is a checkout that anyone may have written to; neither it nor a PYTHON* variable of the job may
# decide what is imported. -u: the log in the order of events. -X utf8: whatever the job says of locales.
ENTRYPOINT ["/opt/octopost/bin/python", "-I", "-u", "-X", "utf8", "-m", "github_action"]
