"""Keys, certificates and password hashes for tests, made by openssl and crypt(3)."""
import ctypes
import os
import subprocess

EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
RSA = ["-newkey", "rsa:2048"]


class Files:
    """A folder with a server's certificate, clients' certificates and a web configuration."""

    def __init__(self, folder):
        self.folder = folder
        self.config = self.path("web.yml")

    def path(self, name):
        return os.path.join(self.folder, name)

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=self.folder)

    def self_signed(self, name="server", kind=EC, names="DNS:localhost,IP:127.0.0.1"):
        """NAME.pem and NAME.key: a certificate that is its own CA."""
        self.openssl("req", "-x509", *kind, "-nodes", "-days", "2", "-subj", f"/CN={name}",
                     "-addext", f"subjectAltName={names}", "-keyout", f"{name}.key", "-out", f"{name}.pem")

    def signed(self, name, ca, names="DNS:client.example"):
        """NAME.pem and NAME.key: a certificate that CA.pem has signed."""
        with open(self.path(name + ".ext"), "w") as file:
            file.write(f"subjectAltName={names}\n")
        self.openssl("req", "-new", *EC, "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                     "-out", f"{name}.csr")
        self.openssl("x509", "-req", "-days", "2", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key",
                     "-CAcreateserial", "-extfile", f"{name}.ext", "-out", f"{name}.pem")

    def write(self, text, name="web.yml"):
        """Takes the place of the file at once, as deployment tools do it."""
        with open(self.path(name + ".new"), "w") as file:
            file.write(text)
        os.rename(self.path(name + ".new"), self.path(name))

    def write_tls(self, more="", server="server", rest=""):
        fields = "".join(f"  {line}\n" for line in more.splitlines())
        self.write(f"tls_server_config:\n  cert_file: {server}.pem\n  key_file: {server}.key\n{fields}{rest}")


def bcrypt(password, cost=4):
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = library.crypt_gensalt.restype = ctypes.c_char_p
    salt = library.crypt_gensalt(b"$2y$", ctypes.c_ulong(cost), os.urandom(16), 16)
    return library.crypt(password.encode(), salt).decode()
