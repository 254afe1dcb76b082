import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertPath;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Set;

/**
 * Validates every leaf-*.der of each directory against the ca.der beside it, by way of between.der
 * where there is one.
 *
 * <p>Prints "OK path" or "FAILED path: reason", one line for each certificate.
 */
public final class Judge {
    private static final CertificateFactory FACTORY = factory();

    public static void main(String[] directories) throws Exception {
        for (String name : directories) {
            Path directory = Path.of(name);
            X509Certificate ca = read(directory.resolve("ca.der"));
            try (DirectoryStream<Path> leaves = Files.newDirectoryStream(directory, "leaf-*.der")) {
                for (Path leaf : leaves) {
                    System.out.println(verdict(leaf, directory.resolve("between.der"), ca));
                }
            }
        }
    }

    private static String verdict(Path leaf, Path between, X509Certificate ca) {
        try {
            CertPath path =
                FACTORY.generateCertPath(
                    Files.exists(between)
                        ? List.of(read(leaf), read(between))
                        : List.of(read(leaf)));
            PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(ca, null)));
            parameters.setRevocationEnabled(false);
            CertPathValidator.getInstance("PKIX").validate(path, parameters);
            return "OK " + leaf;
        } catch (Exception error) {
            return "FAILED " + leaf + ": " + error;
        }
    }

    private static X509Certificate read(Path path) throws Exception {
        try (InputStream in = Files.newInputStream(path)) {
            return (X509Certificate) FACTORY.generateCertificate(in);
        }
    }

    private static CertificateFactory factory() {
        try {
            return CertificateFactory.getInstance("X.509");
        } catch (Exception error) {
            throw new ExceptionInInitializerError(error);
        }
    }
}
