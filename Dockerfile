# One image for every process of the cluster; what it runs is the command of its container.
FROM python:3.12-slim
RUN useradd --system --create-home --home-dir /var/lib/jobengine jobengine
WORKDIR /srv/jobengine
COPY setup.cfg pyproject.toml README.md ./
COPY jobengine jobengine
COPY workers workers
COPY api api
RUN pip install --no-cache-dir '.[image,postgresql,s3]'
USER jobengine
ENV JOBENGINE_DATA_DIR=/var/lib/jobengine
EXPOSE 8080
CMD ["gunicorn", "--threads", "8", "api.wsgi:create()"]
