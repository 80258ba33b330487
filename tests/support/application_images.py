"""Images of two applications as they were built some years ago, for whole dumps of advisories.

Real packages at real versions, as their requirements were pinned: a web service with notebooks and
machine learning in Python, and a service around containers and Kubernetes in Go.
"""

from support.language_files import go_binary
from support.mixed_images import Mix, image_of
from tidegate.local.images import CLEAN_DEBIAN, debian_files, python_files

PYTHON = """
Babel 2.9.0 | Django 3.2 | Flask 1.1.4 | Flask-AppBuilder 3.3.0 | Flask-Caching 1.10.1 | GitPython 3.1.18
Jinja2 2.11.3 | Mako 1.1.4 | Markdown 3.3.4 | Pillow 8.2.0 | PyJWT 2.3.0 | PyYAML 5.3.1 | Pygments 2.7.3
SQLAlchemy 1.3.24 | Scrapy 2.5.0 | Twisted 20.3.0 | Werkzeug 1.0.1 | aiohttp 3.7.4 | ansible 2.9.0
apache-airflow 2.1.0 | apache-superset 1.0.1 | asyncpg 0.20.1 | bleach 3.2.1 | bottle 0.12.18 | celery 5.1.0
certifi 2020.12.5 | cryptography 3.3.1 | django-filter 2.4.0 | djangorestframework 3.11.0 | docker 5.0.0
ecdsa 0.13.2 | fastapi 0.63.0 | feedparser 6.0.0 | grpcio 1.30.0 | gunicorn 20.0.4 | httpx 0.18.0
httplib2 0.18.1 | idna 2.10 | ipython 7.16.1 | joblib 1.0.1 | jupyter-server 1.6.0 | jupyterlab 3.0.0
keras 2.4.3 | kubernetes 12.0.1 | lxml 4.6.2 | markdown2 2.3.9 | mechanize 0.4.5 | mistune 0.8.4 | mlflow 1.14.1
nltk 3.5 | notebook 6.3.0 | numpy 1.18.5 | oauthlib 3.1.0 | onnx 1.8.1 | opencv-python 4.2.0.32 | pandas 1.2.0
paramiko 2.4.0 | pip 20.2.4 | protobuf 3.15.0 | psutil 5.6.5 | py 1.9.0 | pyarrow 0.15.0 | pycrypto 2.6.1
pydantic 1.8.1 | pymongo 3.11.0 | pyopenssl 17.4.0 | pysaml2 6.4.1 | python-jose 3.2.0 | pywin32 300
redis 4.5.1 | reportlab 3.5.54 | requests 2.25.1 | rsa 4.6 | salt 3002.1 | scikit-learn 0.23.1 | scipy 1.6.0
sentry-sdk 1.4.0 | setuptools 56.0.0 | sqlparse 0.4.1 | starlette 0.13.6 | streamlit 0.80.0 | tensorflow 2.4.1
torch 1.8.0 | tornado 6.1 | tqdm 4.60.0 | transformers 4.5.0 | ujson 4.0.2 | urllib3 1.26.4 | uvicorn 0.11.6
validators 0.20.0 | waitress 1.4.2 | wagtail 2.12 | wheel 0.36.2 | zulip 0.7.0
"""

GO = """
github.com/Masterminds/goutils v1.1.0 | github.com/aws/aws-sdk-go v1.30.0 | github.com/caddyserver/caddy/v2 v2.4.0
github.com/containerd/containerd v1.4.3 | github.com/containernetworking/cni v0.8.0
github.com/containers/image/v5 v5.10.0 | github.com/containers/storage v1.25.0 | github.com/coredns/coredns v1.8.0
github.com/dgrijalva/jwt-go v3.2.0+incompatible | github.com/docker/cli v20.10.6+incompatible
github.com/docker/distribution v2.7.1+incompatible | github.com/docker/docker v20.10.6+incompatible
github.com/emicklei/go-restful v2.9.5+incompatible | github.com/gin-gonic/gin v1.6.3
github.com/go-git/go-git/v5 v5.4.2 | github.com/gofiber/fiber/v2 v2.10.0 | github.com/gogo/protobuf v1.3.1
github.com/golang-jwt/jwt v3.2.1+incompatible | github.com/golang/protobuf v1.4.3 | github.com/google/go-cmp v0.5.4
github.com/gorilla/handlers v1.2.1 | github.com/gorilla/websocket v1.4.0 | github.com/grafana/grafana v6.1.6+incompatible
github.com/hashicorp/consul v1.9.0 | github.com/hashicorp/go-getter v1.5.2 | github.com/hashicorp/vault v1.6.0
github.com/influxdata/influxdb v1.7.5 | github.com/jackc/pgx/v4 v4.10.1 | github.com/kubernetes/ingress-nginx v0.40.0
github.com/labstack/echo/v4 v4.1.17 | github.com/minio/minio v0.0.0-20210201212216-5b2e8f2a0b2a
github.com/moby/buildkit v0.8.1 | github.com/nats-io/nats-server/v2 v2.1.9 | github.com/open-policy-agent/opa v0.26.0
github.com/opencontainers/image-spec v1.0.1 | github.com/opencontainers/runc v1.0.0-rc92
github.com/opencontainers/selinux v1.6.0 | github.com/pion/dtls/v2 v2.0.4 | github.com/pkg/sftp v1.12.0
github.com/prometheus/client_golang v1.9.0 | github.com/prometheus/prometheus v2.3.0+incompatible
github.com/russellhaering/goxmldsig v1.1.0 | github.com/satori/go.uuid v1.2.0 | github.com/sigstore/cosign v1.4.0
github.com/sirupsen/logrus v1.7.0 | github.com/tidwall/gjson v1.6.0 | github.com/traefik/traefik/v2 v2.4.0
github.com/ulikunitz/xz v0.5.7 | github.com/valyala/fasthttp v1.20.0 | go.etcd.io/etcd v3.3.25+incompatible
go.mongodb.org/mongo-driver v1.4.0 | go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp v0.40.0
golang.org/x/crypto v0.0.0-20200622213623-75b288015ac9 | golang.org/x/image v0.0.0-20190802002840-cff245a6509b
golang.org/x/net v0.0.0-20210226172049-e18ecbb05110 | golang.org/x/oauth2 v0.0.0-20210113205817-d3ed898aa8a3
golang.org/x/sys v0.0.0-20210119212857-b64e53b001e4 | golang.org/x/text v0.3.5 | google.golang.org/grpc v1.35.0
google.golang.org/protobuf v1.25.0 | gopkg.in/square/go-jose.v2 v2.5.1 | gopkg.in/yaml.v2 v2.2.1
gopkg.in/yaml.v3 v3.0.0-20200615113413-eeeca48fe776 | helm.sh/helm/v3 v3.5.0 | k8s.io/apimachinery v0.20.2
k8s.io/apiserver v0.20.2 | k8s.io/client-go v0.20.2 | k8s.io/kubernetes v1.20.2 | sigs.k8s.io/yaml v1.2.0
"""


def applications() -> list[Mix]:
    """Return the images."""
    python: dict[str, bytes] = dict(debian_files(CLEAN_DEBIAN))
    for name, version in listed(PYTHON):
        python |= python_files(name, version)
    go = {"usr/bin/service": go_binary(listed(GO), "1.19.4")}
    return [Mix(image_of("python-web", python)), Mix(image_of("go-service", go))]


def listed(text: str) -> list[tuple[str, str]]:
    """Return names and versions."""
    items = (item.split() for line in text.strip().splitlines() for item in line.split("|"))
    return [(name, version) for name, version in items]
