# One image for every process of the cluster; what it runs is the command of its container.
# What pip has to compile, as on other processors than x86-64, is compiled in a stage that has a compiler and stays behind.
FROM python:3.12 AS build
RUN python -m venv /opt/jobengine
WORKDIR /src
COPY setup.cfg pyproject.toml README.md ./
COPY jobengine jobengine
COPY workers workers
COPY api api
RUN /opt/jobengine/bin/pip install --no-cache-dir '.[image,postgresql,s3]'

FROM python:3.12-slim
COPY --from=build /opt/jobengine /opt/jobengine
RUN useradd --system --create-home --home-dir /var/lib/jobengine jobengine
WORKDIR /srv/jobengine
USER jobengine
ENV PATH=/opt/jobengine/bin:$PATH JOBENGINE_DATA_DIR=/var/lib/jobengine
EXPOSE 8080
CMD ["gunicorn", "--threads", "8", "api.wsgi:create()"]
