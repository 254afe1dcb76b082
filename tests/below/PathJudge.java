import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Validates a path in PEM, leaf first and root last, below its root. Prints "OK" or a reason. */
public final class PathJudge {
    public static void main(String[] file) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        List<X509Certificate> path = new ArrayList<>();
        try (InputStream in = Files.newInputStream(Path.of(file[0]))) {
            factory.generateCertificates(in).forEach(each -> path.add((X509Certificate) each));
        }
        X509Certificate root = path.remove(path.size() - 1);
        PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(root, null)));
        parameters.setRevocationEnabled(false);
        try {
            CertPathValidator.getInstance("PKIX").validate(factory.generateCertPath(path), parameters);
            System.out.println("OK " + path.size());
        } catch (Exception error) {
            System.out.println("FAILED " + error);
        }
    }
}
